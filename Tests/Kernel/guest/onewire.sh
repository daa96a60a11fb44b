# Two thermometers on a 1-wire bus, found by the kernel's own search and read by its own driver. One leaves and comes back.
cat >/tmp/onewire.sources <<END
[[source]]
name = "rooms"
type = "system"
groups = ["onewire"]
rate_hz = 1
[[source]]
name = "nearby"
type = "system"
groups = ["load"]
rate_hz = 10
END
thermometers() { ls -d /sys/bus/w1/devices/28-* 2>/dev/null | wc -l; }
modprobe w1_therm
modprobe w1-sim
until_true 60 '[ $(thermometers) = 2 ]'
start onewire
until_true 60 'grep -q connected $out/onewire.log'
sleep 5
echo 2000,-880 >/sys/module/w1_sim/parameters/sixteenths
sleep 4
# One is taken off the bus and put back.
bus=/sys/bus/w1/devices/w1_bus_master1
echo 0 >$bus/w1_master_search
echo 28-000000000016 >$bus/w1_master_remove
until_true 20 'grep -q "rooms/onewire: cannot read" $out/onewire.log'
sleep 2
echo 28-000000000016 >$bus/w1_master_add
cut -d' ' -f1 /proc/uptime >$out/onewire.returned
until_true 20 'grep -q "rooms/onewire: works again" $out/onewire.log'
cut -d' ' -f1 /proc/uptime >>$out/onewire.returned
sleep 3
finish
rmmod w1-sim
