import ArgumentParser
import LinuxEvents
import STTBoard
import STTConfig

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows how the running collector is, as JSON.",
    discussion: "Asks at the socket the configuration names. Exit code 1 when nobody answers.")

  @OptionGroup var file: ConfigurationOption

  func run() throws {
    let path: String?
    do { path = try ConfigFile(file.config).collector().statusSocket } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    guard let path else {
      print("status is switched off: set status_socket in \(file.config)")
      throw ExitCode(2)
    }
    do { print(try StatusSocket.ask(path), terminator: "") } catch {
      print("\(error); is the collector running?")
      throw ExitCode(1)
    }
  }
}
