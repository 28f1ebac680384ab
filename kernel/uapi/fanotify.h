/*
 * fanotify(7): numbers and structures of the Linux ABI.
 */
#pragma once

#include <stdint.h>

/* What happens, and what a mark may ask for; the first are those of inotify(7). */
#define FAN_ACCESS	   0x00000001
#define FAN_MODIFY	   0x00000002
#define FAN_ATTRIB	   0x00000004
#define FAN_CLOSE_WRITE	   0x00000008
#define FAN_CLOSE_NOWRITE  0x00000010
#define FAN_OPEN	   0x00000020
#define FAN_MOVED_FROM	   0x00000040
#define FAN_MOVED_TO	   0x00000080
#define FAN_CREATE	   0x00000100
#define FAN_DELETE	   0x00000200
#define FAN_DELETE_SELF	   0x00000400
#define FAN_MOVE_SELF	   0x00000800
#define FAN_OPEN_EXEC	   0x00001000
#define FAN_Q_OVERFLOW	   0x00004000
#define FAN_OPEN_PERM	   0x00010000
#define FAN_ACCESS_PERM	   0x00020000
#define FAN_OPEN_EXEC_PERM 0x00040000
#define FAN_EVENT_ON_CHILD 0x08000000
#define FAN_RENAME	   0x10000000
#define FAN_ONDIR	   0x40000000

/* fanotify_init(2) */
#define FAN_CLOEXEC	      0x001
#define FAN_NONBLOCK	      0x002
#define FAN_CLASS_CONTENT     0x004
#define FAN_CLASS_PRE_CONTENT 0x008
#define FAN_UNLIMITED_QUEUE   0x010
#define FAN_UNLIMITED_MARKS   0x020
#define FAN_ENABLE_AUDIT      0x040
#define FAN_REPORT_PIDFD      0x080
#define FAN_REPORT_TID	      0x100
#define FAN_REPORT_FID	      0x200
#define FAN_REPORT_DIR_FID    0x400
#define FAN_REPORT_NAME	      0x800
#define FAN_REPORT_TARGET_FID 0x1000
#define FAN_REPORT_FD_ERROR   0x2000

/* fanotify_mark(2) */
#define FAN_MARK_ADD		     0x001
#define FAN_MARK_REMOVE		     0x002
#define FAN_MARK_DONT_FOLLOW	     0x004
#define FAN_MARK_ONLYDIR	     0x008
#define FAN_MARK_MOUNT		     0x010
#define FAN_MARK_IGNORED_MASK	     0x020
#define FAN_MARK_IGNORED_SURV_MODIFY 0x040
#define FAN_MARK_FLUSH		     0x080
#define FAN_MARK_FILESYSTEM	     0x100
#define FAN_MARK_EVICTABLE	     0x200
#define FAN_MARK_IGNORE		     0x400

#define FAN_ALLOW 1
#define FAN_DENY  2
#define FAN_NOFD  (-1)
/* Instead of a pidfd: the process is no more; there could be none. */
#define FAN_NOPIDFD (-1)
#define FAN_EPIDFD  (-2)

/* Kinds of records behind the metadata. */
#define FAN_EVENT_INFO_TYPE_FID		  1
#define FAN_EVENT_INFO_TYPE_DFID_NAME	  2
#define FAN_EVENT_INFO_TYPE_DFID	  3
#define FAN_EVENT_INFO_TYPE_PIDFD	  4
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME 10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME 12

#define FANOTIFY_METADATA_VERSION 3

struct fanotify_event_metadata {
	uint32_t event_len;
	uint8_t vers, reserved;
	uint16_t metadata_len;
	uint64_t mask;
	int32_t fd, pid;
};

struct fanotify_event_info_header {
	uint8_t info_type, pad;
	uint16_t len;
};

struct fanotify_event_info_pidfd {
	struct fanotify_event_info_header hdr;
	int32_t pidfd;
};

struct fanotify_response {
	int32_t fd;
	uint32_t response;
};
