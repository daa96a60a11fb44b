#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static socklen_t to_sockaddr(int ipv4_only, const clinux_address *from, struct sockaddr_in6 *to) {
  memset(to, 0, sizeof *to);
  if (ipv4_only) {
    struct sockaddr_in *to4 = (struct sockaddr_in *)to;
    to4->sin_family = AF_INET;
    memcpy(&to4->sin_addr, from->address + 12, 4);
    to4->sin_port = htons(from->port);
    return sizeof *to4;
  }
  to->sin6_family = AF_INET6;
  memcpy(&to->sin6_addr, from->address, 16);
  to->sin6_port = htons(from->port);
  to->sin6_scope_id = from->scope;
  return sizeof *to;
}

static void from_sockaddr(const struct sockaddr_in6 *from, clinux_address *to) {
  memset(to, 0, sizeof *to);
  if (from->sin6_family == AF_INET) {
    const struct sockaddr_in *from4 = (const struct sockaddr_in *)from;
    to->address[10] = to->address[11] = 0xFF;
    memcpy(to->address + 12, &from4->sin_addr, 4);
    to->port = ntohs(from4->sin_port);
    return;
  }
  memcpy(to->address, &from->sin6_addr, 16);
  to->port = ntohs(from->sin6_port);
  to->scope = from->sin6_scope_id;
}

int clinux_udp_open(const clinux_address *local, int reuse_port, int ipv4_only) {
  int fd = socket(ipv4_only ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int off = 0, on = 1, probe = IP_PMTUDISC_PROBE, probe6 = IPV6_PMTUDISC_PROBE;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // Never fragment: a datagram that doesn't fit is lost, and the path is measured instead.
  setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
  setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof probe6);
  setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
  setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  struct sockaddr_in6 address;
  socklen_t length = to_sockaddr(ipv4_only, local, &address);
  if (bind(fd, (struct sockaddr *)&address, length) != 0) {
    int failed = -errno;
    close(fd);
    return failed;
  }
  return fd;
}

int clinux_udp_local(int fd, clinux_address *local) {
  struct sockaddr_in6 address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return -errno;
  from_sockaddr(&address, local);
  return 0;
}

int clinux_udp_source(const clinux_address *to, clinux_address *local) {
  int ipv4_only = !clinux_has_ipv6();
  int fd = socket(ipv4_only ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int off = 0;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  struct sockaddr_in6 address;
  socklen_t length = to_sockaddr(ipv4_only, to, &address);
  // Connecting a datagram socket sends nothing: it only chooses the route.
  int result = connect(fd, (struct sockaddr *)&address, length) != 0 ? -errno : clinux_udp_local(fd, local);
  close(fd);
  return result;
}

// Appends one control message.
static void control(struct msghdr *header, int level, int type, const void *value, size_t count) {
  struct cmsghdr *message = (struct cmsghdr *)((char *)header->msg_control + header->msg_controllen);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(count);
  memcpy(CMSG_DATA(message), value, count);
  header->msg_controllen += CMSG_SPACE(count);
}

int clinux_udp_send(int fd, int ipv4_only, const clinux_outgoing *entries, int count) {
  struct mmsghdr headers[CLINUX_BATCH];
  struct iovec vectors[CLINUX_BATCH];
  struct sockaddr_in6 addresses[CLINUX_BATCH];
  union {
    char bytes[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } controls[CLINUX_BATCH];
  if (count > CLINUX_BATCH) count = CLINUX_BATCH;
  for (int i = 0; i < count; i++) {
    socklen_t length = to_sockaddr(ipv4_only, &entries[i].to, &addresses[i]);
    vectors[i] = (struct iovec){.iov_base = entries[i].base, .iov_len = entries[i].count};
    headers[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &addresses[i],
                                              .msg_namelen = length,
                                              .msg_iov = &vectors[i],
                                              .msg_iovlen = 1}};
    int cuts = entries[i].segment != 0 && entries[i].segment < entries[i].count;
    if (!cuts && entries[i].ecn == 0) continue;
    headers[i].msg_hdr.msg_control = controls[i].bytes;
    if (cuts) {
      uint16_t segment = (uint16_t)entries[i].segment;
      control(&headers[i].msg_hdr, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    }
    if (entries[i].ecn != 0) {
      // A socket for both carries a mapped address as IPv4, and reads that family's option alone.
      int bits = entries[i].ecn, ipv4 = ipv4_only || IN6_IS_ADDR_V4MAPPED(&addresses[i].sin6_addr);
      control(&headers[i].msg_hdr, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_TOS : IPV6_TCLASS, &bits, sizeof bits);
    }
  }
  int sent = sendmmsg(fd, headers, (unsigned)count, 0);
  return sent < 0 ? -errno : sent;
}

int clinux_udp_receive(int fd, clinux_incoming *entries, int count) {
  struct mmsghdr headers[CLINUX_BATCH];
  struct iovec vectors[CLINUX_BATCH];
  struct sockaddr_in6 addresses[CLINUX_BATCH];
  union {
    char bytes[CMSG_SPACE(sizeof(int)) * 4 + CMSG_SPACE(sizeof(struct timespec))];
    struct cmsghdr align;
  } controls[CLINUX_BATCH];
  if (count > CLINUX_BATCH) count = CLINUX_BATCH;
  for (int i = 0; i < count; i++) {
    vectors[i] = (struct iovec){.iov_base = entries[i].base, .iov_len = entries[i].capacity};
    headers[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &addresses[i],
                                              .msg_namelen = sizeof addresses[i],
                                              .msg_iov = &vectors[i],
                                              .msg_iovlen = 1,
                                              .msg_control = controls[i].bytes,
                                              .msg_controllen = sizeof controls[i].bytes}};
  }
  int got = recvmmsg(fd, headers, (unsigned)count, MSG_DONTWAIT, NULL);
  if (got < 0) return -errno;
  for (int i = 0; i < got; i++) {
    entries[i].count = headers[i].msg_len;
    entries[i].segment = headers[i].msg_len;
    entries[i].truncated = (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    entries[i].dropped = 0;
    entries[i].ecn = 0;
    entries[i].arrived = 0;
    from_sockaddr(&addresses[i], &entries[i].from);
    for (struct cmsghdr *control = CMSG_FIRSTHDR(&headers[i].msg_hdr); control != NULL;
         control = CMSG_NXTHDR(&headers[i].msg_hdr, control)) {
      int value = 0;
      if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
        memcpy(&value, CMSG_DATA(control), sizeof value);
        if (value > 0) entries[i].segment = (uint32_t)value;
      } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) {
        entries[i].ecn = *(uint8_t *)CMSG_DATA(control) & 3;
      } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS) {
        memcpy(&value, CMSG_DATA(control), sizeof value);
        entries[i].ecn = (uint8_t)(value & 3);
      } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
        memcpy(&entries[i].dropped, CMSG_DATA(control), sizeof entries[i].dropped);
      } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec at;
        memcpy(&at, CMSG_DATA(control), sizeof at);
        entries[i].arrived = (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
      }
    }
  }
  return got;
}

int clinux_udp_enable_gro(int fd) {
  int on = 1;
  return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0 ? -errno : 0;
}

int clinux_udp_disable_gro(int fd) {
  int off = 0;
  return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &off, sizeof off) != 0 ? -errno : 0;
}

int clinux_udp_share_port(int fd) {
  int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ? -errno : 0;
}

int clinux_udp_steer(int fd, uint32_t kind, uint8_t first, uint8_t second, const clinux_spread *spread) {
  uint32_t count = spread->count;
  // A load beyond a datagram's end answers 0: the group's first socket gets it.
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kind),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, count),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, count + 1),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, spread->offset + 4),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, spread->key[0]),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, spread->key[1]),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, spread->offset),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, spread->key[2]),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) != 0 ? -errno : 0;
}

int clinux_udp_enable_timestamps(int fd) {
  int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ? -errno : 0;
}

static int buffer(int fd, int option, int forced, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
    setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
  int given = 0;
  socklen_t length = sizeof given;
  if (getsockopt(fd, SOL_SOCKET, option, &given, &length) != 0) return -errno;
  return given / 2; // the kernel doubles the request for its own bookkeeping (socket(7))
}

int clinux_udp_receive_buffer(int fd, int bytes) { return buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, bytes); }
int clinux_udp_send_buffer(int fd, int bytes) { return buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, bytes); }

int clinux_has_ipv6(void) {
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno != EAFNOSUPPORT;
  close(fd);
  return 1;
}

int clinux_resolve(const char *host, const char *port, int ipv4_only, clinux_address *result) {
  struct addrinfo hints = {.ai_family = ipv4_only ? AF_INET : AF_INET6,
                           .ai_socktype = SOCK_DGRAM,
                           .ai_flags = ipv4_only ? 0 : AI_V4MAPPED | AI_ALL};
  struct addrinfo *found = NULL;
  int failed = getaddrinfo(host, port, &hints, &found);
  if (failed != 0) return failed > 0 ? -failed : failed;
  from_sockaddr((const struct sockaddr_in6 *)found->ai_addr, result);
  freeaddrinfo(found);
  return 0;
}

const char *clinux_resolve_error(int code) { return gai_strerror(code); }
