import ArgumentParser
import STTAgentRuntime

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Lists what this board has, and prints a configuration that reads it.",
    discussion: """
      GPIO chips with their lines, industrial I/O channels, cameras with their formats, serial ports, and what the machine \
      measures of itself. Names are those that stay when devices come back in another order. Chips and cameras are opened \
      for a moment; nothing is changed.

      Try it:
        stt-agent probe
        stt-agent probe --configuration >/etc/stt/conf.d/sources.toml

      Exit code 0, also when there is little to list; 64 wrong usage.
      """)

  @Flag(help: "Print the configuration alone, to be kept as a file.")
  var configuration = false

  func run() {
    let probe = BoardProbe()
    if configuration { return print(probe.configuration, terminator: "") }
    for section in probe.sections {
      print(section.title)
      for line in section.lines.isEmpty ? ["none"] : section.lines { print("  \(line)") }
      print("")
    }
    print("A configuration for these (stt-agent probe --configuration prints it alone):\n")
    print(probe.configuration, terminator: "")
  }
}
