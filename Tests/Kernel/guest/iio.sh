# The kernel's dummy converter, captured by a timer trigger and polled beside it. Its driver puts constants in a scan.
# It is not there yet when the agent starts.
modprobe iio_dummy
modprobe iio-trig-hrtimer
mkdir /sys/kernel/config/iio/triggers/hrtimer/clock
# Its values change while the converter is captured.
modprobe test_power
cat >/tmp/iio.sources <<END
[[source]]
name = "scans"
type = "iio"
device = "bench"
capture = "buffered"
trigger = "clock"
rate_hz = 100
[[source]]
name = "values"
type = "iio"
device = "bench"
channels = ["voltage0", "voltage3-voltage4", "accel_x"]
rate_hz = 5
[[source]]
name = "supply"
type = "system"
groups = ["power"]
rate_hz = 10
END
start iio
until_true 60 'grep -q "scans: no IIO" $out/iio.log'
mkdir /sys/kernel/config/iio/devices/dummy/bench
device=/sys/bus/iio/devices/iio:device0
until_true 60 '[ "$(cat $device/buffer/enable)" = 1 ]'
# Each scan is an interrupt of the trigger: the kernel's trace counts them.
trace=/sys/kernel/tracing
echo mono >$trace/trace_clock
echo 'name ~ "*consumer*"' >$trace/events/irq/irq_handler_entry/filter
echo 'irq < 0' >$trace/events/irq/irq_handler_exit/filter
echo >$trace/trace
echo 1 >$trace/tracing_on
sleep 11
echo 0 >$trace/tracing_on
sed -n 's/.* \([0-9]*\)\.\([0-9]*\): irq_handler_entry.*/\1\2/p' $trace/trace >$out/iio.trace
usleep 200000
echo 42 >/sys/module/test_power/parameters/battery_capacity
echo off >/sys/module/test_power/parameters/ac_online

# The device goes and comes back.
rmdir /sys/kernel/config/iio/devices/dummy/bench
until_true 20 "grep -q 'scans.*cannot read\|scans.*no IIO' $out/iio.log"
mkdir /sys/kernel/config/iio/devices/dummy/bench
cut -d' ' -f1 /proc/uptime >$out/iio.returned
until_true 20 '[ $(grep -c "scans: works again" $out/iio.log) = 2 ] && [ $(grep -c "values: works again" $out/iio.log) = 2 ]'
cut -d' ' -f1 /proc/uptime >>$out/iio.returned
sleep 1
finish
rmmod test_power
