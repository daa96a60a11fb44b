# A temperature chip on a simulated I2C bus, found by name; its register is written, its degrees are read.
modprobe i2c-stub chip_addr=0x48
modprobe i2c-dev
modprobe lm75
echo lm75 0x48 >/sys/bus/i2c/devices/i2c-0/new_device
until_true 10 '[ -e /dev/i2c-0 ] && grep -q lm75 /sys/class/hwmon/*/name'
cat >/tmp/hwmon.sources <<END
[[source]]
name = "board"
type = "system"
rate_hz = 10
END
start hwmon
until_true 60 'grep -q "session\|connected" $out/hwmon.log'
# 25.0, -12.5 and 127.5 degrees in the chip's halves, most significant byte first.
for word in 0x0019 0x80f3 0x807f; do
  i2cset -f -y 0 0x48 0 $word w
  sleep 1
done
cat /sys/class/hwmon/hwmon*/temp1_input >$out/hwmon.last
finish
