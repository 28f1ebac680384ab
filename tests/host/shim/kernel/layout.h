/* In place of kernel/layout.h: addresses that a program on the host can map. */
#pragma once

#include "../../../../kernel/layout.h"

#undef DIRECT_BASE
#undef FRAMES_BASE
#undef VMALLOC_BASE
#undef VMALLOC_END
#define DIRECT_BASE  0x200000000000
#define FRAMES_BASE  0x280000000000
#define VMALLOC_BASE 0x300000000000
#define VMALLOC_END  0x300400000000
