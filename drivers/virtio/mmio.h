/*
 * Inside of drivers/virtio: the transport's doorbell.
 */
#pragma once

#include "drivers/virtio/virtio.h"

void virtio_mmio_notify(struct virtio_device *v, uint32_t queue);
