using System.Diagnostics;

namespace Brokkr.Testing.Processes;

/// <summary>
/// Ends the processes and removes the folders that a test run leaves behind, also when the run itself is killed: a small shell waits for its input
/// to close, which happens when this process ends, and then cleans up what it was told of.
/// </summary>
internal static class Leftovers
{
    private const string Script = """
        pids=''; folders=''
        while read -r what value; do
          case $what in
            kill) pids="$pids $value" ;;
            forget) pids=$(printf '%s\n' $pids | grep -vx "$value") ;;
            remove) folders="$folders $value" ;;
          esac
        done
        [ -z "$pids" ] || kill -9 $pids 2>/dev/null
        for pid in $pids; do while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done; done
        [ -z "$folders" ] || rm -rf $folders
        """;

    private static readonly Lock Gate = new();
    private static StreamWriter? _orders;

    public static void KillAtExit(int pid) => Tell($"kill {pid}");

    public static void Forget(int pid) => Tell($"forget {pid}");

    public static void RemoveAtExit(string folder) => Tell($"remove {folder}");

    private static void Tell(string order)
    {
        lock (Gate)
        {
            if (_orders is null)
            {
                // In a session of its own: what interrupts the test run at a terminal must not interrupt the cleaning.
                var start = new ProcessStartInfo("setsid", ["sh", "-c", Script]) { RedirectStandardInput = true, UseShellExecute = false };
                _orders = Process.Start(start)!.StandardInput;
                _orders.AutoFlush = true;
            }

            _orders.WriteLine(order);
        }
    }
}
