/// The configurations the demonstration writes; also a place to begin from.
enum DemoConfiguration {
  static func collector(directory: String, recordings: String) -> String {
    """
    # What `stt demo` started stt-collector with. docs/configuration.md explains every key.
    [collector]
    listen = "127.0.0.1:4650"
    state = "\(directory)/collector-state"
    status_socket = "\(directory)/collector.sock"

    [[device]]
    pair = "file:\(directory)/demo.pair"

    [recording]
    root = "\(recordings)"
    # Sealed, as without this line; "none" makes plain files that any MCAP tool reads.
    seal = "sealed"

    """
  }

  static func agent(directory: String, camera: String?) -> String {
    let pictures =
      camera.map { device in
        """
        [[source]]
        name = "camera"
        type = "camera"
        device = "\(device)"
        """
      }
        ?? """
        # This machine has no camera: pictures come from a file instead.
        [[source]]
        name = "camera"
        type = "file"
        path = "\(directory)/frames.mjpeg"
        framing = "jpeg"
        loop = true
        rate_hz = 15
        max_message = 1_000_000
        """
    return """
      # What `stt demo` started stt-agent with. docs/configuration.md explains every key.
      [agent]
      state = "\(directory)/agent-state"
      status_socket = "\(directory)/agent.sock"

      [collector]
      address = "127.0.0.1:4650"
      pair = "file:\(directory)/demo.pair"

      [[source]]
      name = "system"
      type = "system"
      groups = ["load", "memory", "cpu", "network", "hwmon", "thermal"]
      rate_hz = 10

      \(pictures)

      """
  }
}
