// Serial lines and commands: what termios.h of the C library can't express (any baud rate), and a child process.
#pragma once
#include <stdint.h>
#include <sys/types.h>

#define CLINUX_PARITY_NONE 0
#define CLINUX_PARITY_EVEN 1
#define CLINUX_PARITY_ODD 2
#define CLINUX_FLOW_NONE 0
#define CLINUX_FLOW_HARDWARE 1 // RTS and CTS
#define CLINUX_FLOW_SOFTWARE 2 // XON and XOFF

// Makes a terminal raw, with that rate and frame, and empties what came before. What the driver set instead of `baud`
// is answered; -errno on failure, -ENOTTY if it is no terminal.
int clinux_serial_configure(int fd, uint32_t baud, int data_bits, int parity, int stop_bits, int flow);

// Starts a program found by PATH with its standard output as a pipe, non-blocking, and nothing to read. It gets a
// process group of its own, and SIGTERM when the calling thread ends. The pipe's end, or -errno if it can't be started.
int clinux_command_start(char *const *arguments, pid_t *process);

// Waits at most so long for a child's end, which waitpid then tells. 1: it ended; 0: not yet; -errno.
int clinux_process_await(pid_t process, int milliseconds);
