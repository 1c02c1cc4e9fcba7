using System.Runtime.InteropServices;

namespace Brokkr.Testing.Processes;

/// <summary>Signals that tests send to processes; the numbers are Linux's.</summary>
public enum Signal
{
    /// <summary>SIGINT: Ctrl-C.</summary>
    Interrupt = 2,

    /// <summary>SIGKILL: <c>kill -9</c>; nothing can be cleaned up.</summary>
    Kill = 9,

    /// <summary>SIGTERM: end in an orderly way.</summary>
    Terminate = 15,

    /// <summary>SIGCONT: go on after <see cref="Stop"/>.</summary>
    Continue = 18,

    /// <summary>SIGSTOP: freeze; connections stay open but nothing answers.</summary>
    Stop = 19,
}

internal static partial class NativeSignals
{
    public static void Send(int pid, Signal signal) => _ = kill(pid, (int)signal);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int pid, int signal);
}
