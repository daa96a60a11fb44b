// libmatroska (Matroska.org) for one video track in a file: what Swift can't call of a C++ library. Every function is
// safe to call with NULL. 0 is success; anything else: it could not be written.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cmatroska_file cmatroska_file;

// Takes `count` bytes that belong at `offset`: at the end of what it took so far, or in place of some of it.
// 0, or anything else to give up.
typedef int (*cmatroska_write)(void *context, uint64_t offset, const void *bytes, size_t count);

// Begins a file. `codec` as Matroska names it, such as V_MJPEG; `private_data` is the codec's own description of the
// stream, and may be empty. NULL: it can't be written.
cmatroska_file *cmatroska_open(
  cmatroska_write write, void *context, const char *codec, const uint8_t *private_data, size_t private_count,
  uint32_t width, uint32_t height, const char *name, const char *program);

// Adds a frame. `time_ns` counts from the file's first frame; frames come in order.
int cmatroska_add(cmatroska_file *file, const uint8_t *data, size_t count, uint64_t time_ns, int is_key);

// Writes the index and ends the file. Frees it, whatever happens.
int cmatroska_close(cmatroska_file *file);

#ifdef __cplusplus
}
#endif
