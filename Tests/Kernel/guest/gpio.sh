# Two simulated chips; edges of one line, paced; the kernel's own trace of the interrupts is the witness of when: the
# kernel takes an edge's time between the trace's entry into the interrupt's handler and its exit from it.
modprobe gpio-sim
simulate() { # simulate DEVICE LABEL LINE NAME [LINE NAME]
  bank=/sys/kernel/config/gpio-sim/$1/bank0
  mkdir -p $bank/line$3
  [ -z "$5" ] || { mkdir -p $bank/line$5; echo $6 >$bank/line$5/name; }
  echo 8 >$bank/num_lines
  echo $2 >$bank/label
  echo $4 >$bank/line$3/name
  echo 1 >/sys/kernel/config/gpio-sim/$1/live
}
pull() { # pull DEVICE LINE up|down
  echo pull-$3 >$(pull_file $1 $2)
}
pull_file() {
  base=/sys/kernel/config/gpio-sim/$1
  echo /sys/devices/platform/$(cat $base/dev_name)/$(cat $base/bank0/chip_name)/sim_gpio$2/pull
}
# The kernel's thread for an interrupt reads the level to tell the direction. It has to run before the next edge: on the
# processor that makes the edge it does, being more urgent.
pin() {
  taskset -p 1 $$ >/dev/null
  for thread in $(ps -o pid,comm | sed -n 's|^ *\([0-9]*\) .*irq/.*stt-ag.*|\1|p'); do taskset -p 1 $thread >/dev/null; done
}

simulate sim0 panel 2 BUTTON 3 METER
simulate sim1 cabinet 5 DOOR 6 BELL
cat >/tmp/gpio.sources <<END
[[source]]
name = "button"
type = "gpio"
lines = ["BUTTON"]
[[source]]
name = "door"
type = "gpio"
chip = "cabinet"
offsets = [5]
active_low = true
debounce = "500 ms"
[[source]]
name = "meter"
type = "gpio"
lines = ["METER"]
count = "200 ms"
END

trace=/sys/kernel/tracing
echo mono >$trace/trace_clock
echo 'name == "stt-agent"' >$trace/events/irq/irq_handler_entry/filter
echo 4096 >$trace/buffer_size_kb

for library in 1 2; do
  program=stt-agent
  [ $library = 1 ] || program=stt-agent-gpiod2
  [ -e /host/$program ] || continue
  sed -i "s/^name = \"\([a-z]*\).*/name = \"\1$library\"/" /tmp/gpio.sources
  cp /tmp/gpio.sources /tmp/gpio$library.sources
  lines=3
  # The other clock is the second library's alone.
  if [ $library = 2 ]; then
    lines=4
    printf '[[source]]\nname = "bell"\ntype = "gpio"\nlines = ["BELL"]\nclock = "realtime"\n' >>/tmp/gpio2.sources
  fi
  pull sim1 6 down
  start gpio$library $program
  until_true 60 '[ $(grep -c stt-agent /sys/kernel/debug/gpio) = $lines ]'
  pin

  echo >$trace/trace
  # An exit has no name in the trace.
  irq=$(sed -n 's/^ *\([0-9]*\):.*stt-agent.*/irq == \1/p' /proc/interrupts | tr '\n' '|' | sed 's/|$//; s/|/ || /g')
  echo "$irq" >$trace/events/irq/irq_handler_exit/filter
  echo 1 >$trace/tracing_on
  file=$(pull_file sim0 2)
  n=0
  while [ $n -lt 500 ]; do
    echo pull-up >$file
    usleep 1000
    echo pull-down >$file
    usleep 1000
    n=$((n + 1))
  done
  echo 0 >$trace/tracing_on
  sed -n 's/.* \([0-9]*\)\.\([0-9]*\): irq_handler_\(e[nx][a-z]*\).*/\3 \1\2/p' $trace/trace >$out/gpio$library.trace

  # Pulses, counted on the device.
  file=$(pull_file sim0 3)
  n=0
  while [ $n -lt 60 ]; do
    echo pull-up >$file
    usleep 5000
    echo pull-down >$file
    usleep 5000
    n=$((n + 1))
  done
  usleep 500000

  # The bell rings once: between two looks at the clocks.
  { date +%s; cut -d' ' -f1 /proc/uptime; } >$out/bell.before
  pull sim1 6 up
  usleep 100000
  { date +%s; cut -d' ' -f1 /proc/uptime; } >$out/bell.after

  # A contact that bounces: one change each way. Its silence is long, because an emulated processor may stand still between
  # two bounces.
  file=$(pull_file sim1 5)
  for level in up down; do
    n=0
    while [ $n -lt 5 ]; do
      echo pull-down >$file; echo pull-up >$file
      n=$((n + 1))
    done
    echo pull-$level >$file
    usleep 1200000
  done

  # While the agent stands still the kernel's queue overflows.
  kill -STOP $agent
  file=$(pull_file sim0 2)
  n=0
  while [ $n -lt 200 ]; do
    echo pull-up >$file; usleep 500; echo pull-down >$file; usleep 500
    n=$((n + 1))
  done
  echo pull-up >$file
  kill -CONT $agent
  usleep 500000
  echo pull-down >$file
  usleep 100000
  echo pull-up >$file
  usleep 100000
  echo pull-down >$file
  usleep 100000

  # The chip goes and comes back, as another number.
  echo 0 >/sys/kernel/config/gpio-sim/sim0/live
  until_true 20 "grep -q 'button.*cannot\|button.*no GPIO\|button.*no line' $out/gpio$library.log"
  cut -d' ' -f1 /proc/uptime >$out/gpio$library.returned
  echo 1 >/sys/kernel/config/gpio-sim/sim0/live
  until_true 20 "grep -q 'button.*works again' $out/gpio$library.log"
  cut -d' ' -f1 /proc/uptime >>$out/gpio$library.returned
  pull sim0 2 up
  usleep 100000
  pull sim0 2 down
  usleep 100000
  finish
done
