import ArgumentParser

/// Frames as cameras of boards make them.
struct CameraFormat {
  enum Kind: String, ExpressibleByArgument, CaseIterable { case mjpeg, yuyv, nv12, h264 }

  var kind: Kind
  var name: String
  var framesPerSecond: Int
  /// Bytes of one frame after another, over and over.
  var byteCounts: [Int]

  var largest: Int { byteCounts.max() ?? 0 }
  var mean: Int { byteCounts.reduce(0, +) / max(1, byteCounts.count) }

  static let all: [CameraFormat] = [
    // What USB cameras make of 1080p: 150 to 250 kB, by what is seen.
    CameraFormat(
      kind: .mjpeg, name: "MJPEG 1920x1080", framesPerSecond: 30,
      byteCounts: [200_000, 187_000, 214_000, 195_000, 176_000, 228_000]),
    // Two bytes a pixel.
    CameraFormat(kind: .yuyv, name: "YUYV 640x480", framesPerSecond: 30, byteCounts: [614_400]),
    // Twelve bits a pixel, from an image processor such as a Raspberry Pi's.
    CameraFormat(kind: .nv12, name: "NV12 1920x1080", framesPerSecond: 30, byteCounts: [3_110_400]),
    // 8 Mbit/s with a key frame each second.
    CameraFormat(
      kind: .h264, name: "H.264 1920x1080", framesPerSecond: 30, byteCounts: [200_000] + Array(repeating: 27_586, count: 29)),
  ]
}
