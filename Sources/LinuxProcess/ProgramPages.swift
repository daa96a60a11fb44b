import CLinux

/// The pages of this program's file and of its libraries'.
public enum ProgramPages {
  /// Gives back pages of code and constants, which come back from the page cache when they are used, and free heap: what
  /// only the start needed does not come back. For programs that run for long on machines with little memory.
  public static func release() { clinux_release_program_pages() }
}
