// V4L2: the kernel's own structures, its request numbers as constants, and ioctl without varargs.
#pragma once
#include <linux/videodev2.h>
#include <stdint.h>

/// ioctl(2) with a pointer argument, tried again when a signal interrupts it. -errno on failure.
int clinux_ioctl(int descriptor, unsigned long request, void *argument);

static const unsigned long clinux_VIDIOC_QUERYCAP = VIDIOC_QUERYCAP;
static const unsigned long clinux_VIDIOC_ENUM_FMT = VIDIOC_ENUM_FMT;
static const unsigned long clinux_VIDIOC_ENUM_FRAMESIZES = VIDIOC_ENUM_FRAMESIZES;
static const unsigned long clinux_VIDIOC_ENUM_FRAMEINTERVALS = VIDIOC_ENUM_FRAMEINTERVALS;
static const unsigned long clinux_VIDIOC_S_FMT = VIDIOC_S_FMT;
static const unsigned long clinux_VIDIOC_S_PARM = VIDIOC_S_PARM;
static const unsigned long clinux_VIDIOC_REQBUFS = VIDIOC_REQBUFS;
static const unsigned long clinux_VIDIOC_QUERYBUF = VIDIOC_QUERYBUF;
static const unsigned long clinux_VIDIOC_QBUF = VIDIOC_QBUF;
static const unsigned long clinux_VIDIOC_DQBUF = VIDIOC_DQBUF;
static const unsigned long clinux_VIDIOC_STREAMON = VIDIOC_STREAMON;
static const unsigned long clinux_VIDIOC_STREAMOFF = VIDIOC_STREAMOFF;
