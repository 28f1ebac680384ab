/*
 * Requests to an open namespace: ioctl_nsfs(2).
 */
#pragma once

#define NS_GET_USERNS	 0xb701
#define NS_GET_PARENT	 0xb702
#define NS_GET_NSTYPE	 0xb703
#define NS_GET_OWNER_UID 0xb704
#define NS_GET_MNTNS_ID	 0x8008b705
