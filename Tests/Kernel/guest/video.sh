# The kernel's virtual camera: a still picture at 25 frames a second for 20 seconds.
modprobe vivid n_devs=1 node_types=0x1 input_types=0x0
until_true 10 '[ -e /dev/video0 ]'
/host/v4l2-ctl -d /dev/video0 -c osd_text_mode=2
/host/v4l2-ctl -d /dev/video0 --set-fmt-video=width=640,height=480,pixelformat=YUYV >/dev/null
/host/v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=1 --stream-to=$out/video.frame >/dev/null 2>&1
# What probe makes of all that is there by now, and whether its configuration is one.
/host/stt-agent probe >$out/probe.txt
{
  printf '[collector]\naddress = "10.0.2.2:%s"\npair = "file:/tmp/guest.pair"\n' "$(cat /host/port)"
  /host/stt-agent probe --configuration
} >/tmp/probe.toml
cp /host/guest.pair /tmp/guest.pair
chmod 600 /tmp/guest.pair
/host/stt-agent check --config /tmp/probe.toml >$out/probe.check || true
cat >/tmp/video.sources <<END
[buffers]
memory = "96 MiB"
unacknowledged = "32 MiB"
[[source]]
name = "camera"
type = "camera"
format = "yuyv"
width = 640
height = 480
fps = 25
durability = "periodic"
[[source]]
name = "beside"
type = "system"
groups = ["load"]
rate_hz = 20
END
start video
until_true 60 'grep -q "stream(s) to" $out/video.log'
sleep 22

# The camera is unplugged and plugged in again, while the other source goes on.
cut -d' ' -f1 /proc/uptime >$out/video.returned
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
until_true 30 "grep -q 'camera: .*/dev/video\|camera: .*no camera' $out/video.log"
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
cut -d' ' -f1 /proc/uptime >>$out/video.returned
until_true 30 "grep -q 'camera: works again' $out/video.log"
cut -d' ' -f1 /proc/uptime >>$out/video.returned
sleep 1
/host/stt-agent status --config /tmp/video.toml >$out/video.status
finish
rmmod vivid
