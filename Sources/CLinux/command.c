#define _GNU_SOURCE
#include "CLinuxSerial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// In the child: only what may be called between fork and exec in a program with threads.
static void become(char *const *arguments, int output, int report, pid_t parent) {
  struct sigaction usual = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++) sigaction(number, &usual, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  int nothing = open("/dev/null", O_RDONLY);
  if (getppid() == parent && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
    execvp(arguments[0], arguments);
  int error = errno ? errno : ECHILD;
  ssize_t written = write(report, &error, sizeof error);
  (void)written;
  _exit(127);
}

int clinux_command_start(char *const *arguments, pid_t *process) {
  int output[2], report[2];
  if (pipe2(output, O_CLOEXEC) < 0) return -errno;
  if (pipe2(report, O_CLOEXEC) < 0) {
    int error = errno;
    close(output[0]);
    close(output[1]);
    return -error;
  }
  pid_t parent = getpid();
  pid_t child = fork();
  int error = child < 0 ? errno : 0;
  if (child == 0) become(arguments, output[1], report[1], parent);
  close(output[1]);
  close(report[1]);
  if (child > 0) {
    // Ends at once when the program runs.
    ssize_t count;
    do count = read(report[0], &error, sizeof error);
    while (count < 0 && errno == EINTR);
    if (count <= 0) error = 0;
    if (error) waitpid(child, NULL, 0);
  }
  close(report[0]);
  int mode = fcntl(output[0], F_GETFL);
  if (!error && (mode < 0 || fcntl(output[0], F_SETFL, mode | O_NONBLOCK) < 0)) {
    error = errno;
    kill(-child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  if (error) {
    close(output[0]);
    return -error;
  }
  *process = child;
  return output[0];
}

int clinux_process_await(pid_t process, int milliseconds) {
  int handle = (int)syscall(SYS_pidfd_open, process, 0);
  if (handle < 0) return -errno;
  struct pollfd ended = {.fd = handle, .events = POLLIN};
  int result = poll(&ended, 1, milliseconds);
  if (result < 0) result = -errno;
  close(handle);
  return result;
}
