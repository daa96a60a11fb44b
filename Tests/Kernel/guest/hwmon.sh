# A temperature chip on a simulated I2C bus, found by name; its register is written, its degrees are read. It is not there
# yet when the agent starts, and comes back later with another number.
modprobe i2c-stub chip_addr=0x48,0x49
modprobe i2c-dev
modprobe lm75
cat >/tmp/hwmon.sources <<END
[[source]]
name = "board"
type = "system"
groups = ["hwmon"]
rate_hz = 10
[[source]]
name = "machine"
type = "system"
rate_hz = 10
END
start hwmon
until_true 60 'grep -q "board: this machine has none" $out/hwmon.log'
echo lm75 0x48 >/sys/bus/i2c/devices/i2c-0/new_device
until_true 10 '[ -e /dev/i2c-0 ] && grep -q lm75 /sys/class/hwmon/*/name'
until_true 20 'grep -q "board: works again" $out/hwmon.log'
# 25.0, -12.5 and 127.5 degrees in the chip's halves, most significant byte first.
for word in 0x0019 0x80f3 0x807f; do
  i2cset -f -y 0 0x48 0 $word w
  sleep 1
done
# Gone, and back beside another that took its number.
echo 0x48 >/sys/bus/i2c/devices/i2c-0/delete_device
until_true 20 'grep -q "board/hwmon.lm75: cannot read" $out/hwmon.log'
echo lm75 0x49 >/sys/bus/i2c/devices/i2c-0/new_device
echo lm75 0x48 >/sys/bus/i2c/devices/i2c-0/new_device
cut -d' ' -f1 /proc/uptime >$out/hwmon.returned
until_true 20 'grep -q "board/hwmon.lm75: works again" $out/hwmon.log'
cut -d' ' -f1 /proc/uptime >>$out/hwmon.returned
usleep 500000
finish
