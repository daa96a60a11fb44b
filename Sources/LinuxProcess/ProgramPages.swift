import CLinux

/// The pages of this program's own file.
public enum ProgramPages {
  /// Gives back what only the start needed: pages of code and constants, which come back from the page cache when they
  /// are used, and free heap. For programs that run for long on machines with little memory.
  public static func release() { clinux_release_program_pages() }
}
