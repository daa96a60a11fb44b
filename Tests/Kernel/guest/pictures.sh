# Other formats of the virtual camera, at sizes the emulated processor keeps up with; and compressed ones, which no driver
# makes by itself, through a camera that a program feeds.
modprobe vivid n_devs=2 node_types=0x1,0x1 input_types=0x0,0x0
modprobe v4l2loopback devices=2 video_nr=20,21 card_label=jpegs,film max_buffers=32
until_true 10 '[ -e /dev/video21 ]'
: >/tmp/pictures.sources
number=0
for format in GREY NV12; do
  device=$(ls -d /sys/class/video4linux/video* | while read -r path; do
    grep -q vivid $path/name && echo /dev/${path##*/}
  done | sed -n $((number + 1))p)
  /host/v4l2-ctl -d $device -c osd_text_mode=2
  /host/v4l2-ctl -d $device --set-fmt-video=width=320,height=180,pixelformat=$format >/dev/null
  /host/v4l2-ctl -d $device --stream-mmap --stream-count=1 --stream-to=$out/$format.frame >/dev/null 2>&1
  name=$(echo $format | tr A-Z a-z)
  cat >>/tmp/pictures.sources <<END
[[source]]
name = "$name"
type = "camera"
device = "$device"
format = "$name"
width = 320
height = 180
fps = 25
END
  number=$((number + 1))
done
/host/feed /dev/video20 MJPG 320 240 /host/films/*.jpeg &
feeders=$!
/host/feed /dev/video21 H264 320 240 /host/films/*.h264 &
feeders="$feeders $!"
cat >>/tmp/pictures.sources <<END
[[source]]
name = "jpegs"
type = "camera"
device = "/dev/video20"
format = "mjpeg"
width = 320
height = 240
fps = 25
[[source]]
name = "film"
type = "camera"
device = "/dev/video21"
format = "h264"
width = 320
height = 240
fps = 25
END
start pictures
until_true 60 '[ $(ls -l /proc/$agent/fd | grep -c /dev/video) = 4 ]'
usleep 500000
touch /tmp/watched
sleep 12
/host/stt-agent status --config /tmp/pictures.toml >$out/pictures.status
finish
kill $feeders
