# A serial line on which the host's instrument talks NMEA all the time, and a USB adapter that is unplugged: the kernel's
# own gadget on the other end of a simulated bus.
modprobe usb_f_acm
modprobe dummy_hcd
modprobe cdc-acm
modprobe g_serial use_acm=1
until_true 20 '[ -e /dev/ttyACM0 ] && [ -e /dev/ttyGS0 ]'
cat >/tmp/serial.sources <<END
[[source]]
name = "compass"
type = "serial"
device = "/dev/ttyS1"
baud = 115200
framing = "nmea"
[[source]]
name = "scale"
type = "serial"
device = "/dev/ttyACM0"
baud = 9600
parity = "even"
framing = "lines"
[[source.value]]
name = "mass"
line = "W"
column = 1
unit = "kg"
scale = 0.001
[[source]]
name = "ticker"
type = "command"
command = ["/bin/busybox", "sh", "-c", "i=0; while [ \$i -lt 5 ]; do echo tick \$i; i=\$((i+1)); usleep 20000; done; exit 3"]
restart = "always"
framing = "lines"
END
start serial
until_true 60 'grep -q "connected" $out/serial.log'
stty -F /dev/ttyGS0 raw -echo
weigh() { # weigh FIRST LAST
  n=$1
  while [ $n -le $2 ]; do
    echo "W $n g"
    usleep 10000
    n=$((n + 1))
  done
}
# Nobody listens before the agent has set the line; it wants silence before the first line.
until_true 20 '[ -n "$(ls -l /proc/$agent/fd | grep ttyACM0)" ]'
usleep 300000
weigh 1 100 >/dev/ttyGS0
usleep 300000

# The adapter is unplugged and plugged in again.
rmmod g_serial
until_true 20 "grep -q 'scale: cannot' $out/serial.log"
usleep 1500000
modprobe g_serial use_acm=1
until_true 20 '[ -e /dev/ttyGS0 ] && ls /dev/ttyACM* >/dev/null 2>&1'
cut -d' ' -f1 /proc/uptime >$out/serial.returned
until_true 20 '[ -n "$(ls -l /proc/$agent/fd | grep ttyACM)" ]'
cut -d' ' -f1 /proc/uptime >>$out/serial.returned
stty -F /dev/ttyGS0 raw -echo
usleep 300000
weigh 101 150 >/dev/ttyGS0
usleep 500000
finish
