// libsrt as a peer of `stt bench loss` (../README.md).
//
// Everything: file mode, stream API, its own congestion control ("file"), datagrams of the size asked for.
// With a deadline: live mode with that latency, messages of 1316 bytes, libsrt's default. AES-256 both times.
#include <srt/srt.h>
#include "../peer.h"
#include <unistd.h>

enum { LIVE_PAYLOAD = 1316, IP_AND_UDP = 28 };

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, srt_getlasterror_str());
  exit(1);
}

static void set(SRTSOCKET socket, SRT_SOCKOPT option, const void *value, int size, const char *name) {
  if (srt_setsockflag(socket, option, value, size) == SRT_ERROR) fail(name);
}

static void set_int(SRTSOCKET socket, SRT_SOCKOPT option, int value, const char *name) {
  set(socket, option, &value, sizeof value, name);
}

static SRTSOCKET open_socket(const plan *plan) {
  SRTSOCKET socket = srt_create_socket();
  if (socket == SRT_INVALID_SOCK) fail("srt_create_socket");
  set_int(socket, SRTO_TRANSTYPE, plan->deadline > 0 ? SRTT_LIVE : SRTT_FILE, "SRTO_TRANSTYPE");
  if (plan->deadline > 0) {
    set_int(socket, SRTO_LATENCY, plan->deadline, "SRTO_LATENCY");
  } else {
    set_int(socket, SRTO_MSS, plan->datagram + IP_AND_UDP, "SRTO_MSS");
    // Room for many products of rate and round trip, so that no buffer is the limit.
    set_int(socket, SRTO_FC, 32768, "SRTO_FC");
    set_int(socket, SRTO_SNDBUF, 32 << 20, "SRTO_SNDBUF");
    set_int(socket, SRTO_RCVBUF, 32 << 20, "SRTO_RCVBUF");
    struct linger wait = {1, 20};
    set(socket, SRTO_LINGER, &wait, sizeof wait, "SRTO_LINGER");
  }
  set_int(socket, SRTO_UDP_SNDBUF, 4 << 20, "SRTO_UDP_SNDBUF");
  set_int(socket, SRTO_UDP_RCVBUF, 4 << 20, "SRTO_UDP_RCVBUF");
  // Its 3 s are not enough for a handshake through heavy loss.
  set_int(socket, SRTO_CONNTIMEO, 30000, "SRTO_CONNTIMEO");
  set_int(socket, SRTO_PBKEYLEN, 32, "SRTO_PBKEYLEN");
  const char *passphrase = "a passphrase for measuring alone";
  set(socket, SRTO_PASSPHRASE, passphrase, (int)strlen(passphrase), "SRTO_PASSPHRASE");
  return socket;
}

// Messages of the pace that do not count yet; each begins with its number.
static uint64_t unsteady(const plan *plan) { return (uint64_t)plan->pace / 8 * STEADY_AFTER / LIVE_PAYLOAD; }

static void receive(const plan *plan) {
  SRTSOCKET listener = open_socket(plan);
  struct sockaddr_in address = loopback(0);
  int length = sizeof address;
  if (srt_bind(listener, (struct sockaddr *)&address, length) == SRT_ERROR) fail("srt_bind");
  if (srt_getsockname(listener, (struct sockaddr *)&address, &length) == SRT_ERROR) fail("srt_getsockname");
  if (srt_listen(listener, 1) == SRT_ERROR) fail("srt_listen");
  announce(ntohs(address.sin_port));
  SRTSOCKET socket = srt_accept(listener, NULL, NULL);
  if (socket == SRT_INVALID_SOCK) fail("srt_accept");
  static char buffer[1 << 16];
  figures it = {0};
  uint64_t first = 0, last = 0, steady_at = 0, end = 0, number;
  int got;
  while ((got = srt_recv(socket, buffer, plan->deadline > 0 ? LIVE_PAYLOAD : (int)sizeof buffer)) > 0) {
    last = clock_ns(CLOCK_MONOTONIC);
    if (first == 0) {
      first = last;
      steady_at = first + STEADY_AFTER * 1000000000ull;
      end = first + (uint64_t)plan->seconds * 1000000000ull;
    }
    it.messages += 1;
    it.bytes += (uint64_t)got;
    if (last >= steady_at && last < end) it.steady_bytes += (uint64_t)got;
    memcpy(&number, buffer, sizeof number);
    // What is late is dropped inside, and what is delivered is in time.
    if (plan->deadline > 0 && number >= unsteady(plan)) it.on_time += 1;
  }
  it.seconds = (double)(last - first) / 1e9;
  report(&it);
  srt_close(socket);
  srt_close(listener);
}

static uint64_t resent(SRTSOCKET socket) {
  SRT_TRACEBSTATS statistics;
  if (srt_bstats(socket, &statistics, 0) == SRT_ERROR) return 0;
  return (uint64_t)statistics.pktRetransTotal;
}

static void send_all(const plan *plan) {
  SRTSOCKET socket = open_socket(plan);
  struct sockaddr_in address = loopback(plan->port);
  if (srt_connect(socket, (struct sockaddr *)&address, sizeof address) == SRT_ERROR) fail("srt_connect");
  static char buffer[1 << 20];
  int size = plan->deadline > 0 ? LIVE_PAYLOAD : plan->message;
  if (size > (int)sizeof buffer) size = sizeof buffer;
  figures it = {0};
  uint64_t start = clock_ns(CLOCK_MONOTONIC), due = start;
  uint64_t end = start + (uint64_t)plan->seconds * 1000000000ull;
  uint64_t step = plan->deadline > 0 ? (uint64_t)size * 8 * 1000000000ull / (uint64_t)plan->pace : 0;
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    if (step > 0) {
      struct timespec at = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
      due += step;
    }
    memcpy(buffer, &it.messages, sizeof it.messages);
    int done = 0;
    while (done < size) {
      int taken = srt_send(socket, buffer + done, size - done);
      if (taken == SRT_ERROR) fail("srt_send");
      done += taken;
    }
    it.messages += 1;
    it.bytes += (uint64_t)size;
  }
  it.seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
  if (plan->deadline > 0 && it.messages > unsteady(plan)) it.steady_messages = it.messages - unsteady(plan);
  // The last messages of a live stream need their latency; what a file still holds is waited for below.
  if (plan->deadline > 0) usleep((useconds_t)plan->deadline * 2000 + 500000);
  it.resent = resent(socket);
  srt_close(socket);
  report(&it);
}

int main(int count, char **words) {
  plan plan;
  if (!understand(count, words, &plan)) return 64;
  srt_startup();
  srt_setloglevel(2);
  if (plan.sends) send_all(&plan); else receive(&plan);
  srt_cleanup();
  return 0;
}
