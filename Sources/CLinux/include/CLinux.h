// What Swift's importer can't express of the kernel's interface: variadic calls, macros with casts,
// control messages. One function a call, no logic. All return 0 or a count on success and -errno on
// failure unless said otherwise.
#pragma once
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

// Clocks, in nanoseconds.
uint64_t clinux_monotonic_ns(void);
uint64_t clinux_realtime_ns(void);
// CPU time of this process and of the calling thread, in nanoseconds.
uint64_t clinux_process_cpu_ns(void);
uint64_t clinux_thread_cpu_ns(void);

int clinux_random(void *buffer, size_t count);
// Keeps the calling thread, and what it starts, on one processor.
int clinux_pin(int processor);
// How many processors this program may use (sched_getaffinity(2)).
int clinux_processor_count(void);
// 1 if the processor has AES instructions.
int clinux_has_aes(void);
void clinux_name_thread(const char *name);
// How much later than asked for the kernel may wake the calling thread (PR_SET_TIMERSLACK).
void clinux_timer_slack(unsigned long nanoseconds);
// Bytes an unprivileged writer may still use on the file system of `path`.
int clinux_free_bytes(const char *path, uint64_t *bytes);
// posix_spawn_file_actions_addclosefrom_np, which Swift's Glibc does not show.
int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int first);
// fallocate() without changing the length. File systems that can't do not matter.
void clinux_reserve(int descriptor, uint64_t offset, uint64_t bytes);
// Unmaps the pages of the program and its libraries that only files stand behind; those used again come back from the
// page cache. Gives back free heap too.
void clinux_release_program_pages(void);
// sync_file_range() that only begins to write.
void clinux_begin_sync(int descriptor, uint64_t offset, uint64_t bytes);
// Whether writes go past the page cache (O_DIRECT): from memory, to places and of lengths in whole blocks.
int clinux_bypass_cache(int descriptor, int bypasses);

// Events.
int clinux_eventfd(void);
int clinux_eventfd_signal(int fd);
int clinux_eventfd_clear(int fd);
int clinux_epoll_create(void);
// The operations of epoll_ctl(2).
#define CLINUX_EPOLL_ADD 1
#define CLINUX_EPOLL_REMOVE 2
#define CLINUX_EPOLL_MODIFY 3
int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t token);
// Waits until `timeout_ns` has passed (UINT64_MAX: for ever). Tokens and event bits go to the arrays.
int clinux_epoll_wait(int epoll, uint64_t *tokens, uint32_t *events, int capacity, uint64_t timeout_ns);
// Blocks SIGINT, SIGTERM and SIGHUP in this and all later threads, ignores SIGPIPE, and opens a
// descriptor that is readable when one of them came.
int clinux_signalfd(void);
// The next signal's number, 0 if there is none.
int clinux_signalfd_read(int fd);

// UDP.
typedef struct {
  uint8_t address[16]; // IPv6, or IPv4 mapped into it
  uint16_t port;
  uint32_t scope;
} clinux_address;

typedef struct {
  void *base;
  uint32_t count;
  uint32_t segment; // bytes of each datagram but the last; 0 for a single one
  uint8_t ecn;      // the two bits of the IP header that tell of congestion (RFC 3168)
  clinux_address to;
} clinux_outgoing;

typedef struct {
  void *base;
  uint32_t capacity;
  uint32_t count;   // bytes received
  uint32_t segment; // bytes of each datagram but the last
  uint32_t truncated;
  uint32_t dropped; // arrivals this socket had no room for since it was opened, 0 if the kernel did not say
  uint8_t ecn;
  clinux_address from;
  uint64_t arrived; // when the kernel got it, by CLOCK_REALTIME; 0 unless the socket asks for it
} clinux_incoming;

// A bound, non-blocking UDP socket for IPv4 and IPv6, or with `ipv4_only` for the former alone, in
// which case the addresses here must be mapped ones (or unspecified). `reuse_port` lets several share
// the port.
int clinux_udp_open(const clinux_address *local, int reuse_port, int ipv4_only);
int clinux_udp_local(int fd, clinux_address *local);
// The address this machine would send from to reach `to`.
int clinux_udp_source(const clinux_address *to, clinux_address *local);
// Sends up to `count` entries (at most CLINUX_BATCH) and answers how many the kernel took.
#define CLINUX_BATCH 64
int clinux_udp_send(int fd, int ipv4_only, const clinux_outgoing *entries, int count);
int clinux_udp_receive(int fd, clinux_incoming *entries, int count);
int clinux_udp_enable_gro(int fd);
int clinux_udp_disable_gro(int fd);
// Lets sockets bound later share the port of `fd`, which was bound alone.
int clinux_udp_share_port(int fd);
// How datagrams are spread over `count` sockets: with a and b the big-endian words at `offset` and 4 behind it, the
// socket is ((((b ^ key[0]) * key[1]) ^ a) * key[2] >> 16) % count, all modulo 2^32.
typedef struct {
  uint32_t offset;
  uint32_t count;
  uint32_t key[3];
} clinux_spread;
// Of the `spread->count` + 2 sockets bound to one port, `fd` among them: datagrams whose byte at `kind` is `first` go to
// the last but one, those where it is `second` to the last, all others to one of the rest; those too short for that to the
// one bound first.
int clinux_udp_steer(int fd, uint32_t kind, uint8_t first, uint8_t second, const clinux_spread *spread);
int clinux_udp_enable_timestamps(int fd);
// Asks for buffers of `bytes`, with privilege if there is some, and answers what the kernel gave.
int clinux_udp_receive_buffer(int fd, int bytes);
int clinux_udp_send_buffer(int fd, int bytes);
// 1 if the kernel makes IPv6 sockets.
int clinux_has_ipv6(void);
// Looks a name up (blocking); with `ipv4_only` an IPv4 address of it. Negative results are -EAI codes.
int clinux_resolve(const char *host, const char *port, int ipv4_only, clinux_address *result);
const char *clinux_resolve_error(int code);

// A stream socket in the file system, listening; it replaces a stale one.
int clinux_unix_listen(const char *path);
int clinux_unix_connect(const char *path);
int clinux_unix_accept(int fd);
