using System.Net;
using System.Net.Sockets;

namespace Brokkr.Testing;

/// <summary>
/// Ports for programs that must be told theirs before they start. A server inside the test process should listen on port 0 instead.
/// </summary>
public static class FreePort
{
    // Below the range from which Linux takes the ports of outgoing connections, so that no connection grabs one before the program has it.
    private const int First = 20_000;
    private const int Last = 32_000;

    private static readonly HashSet<int> Taken = [];
    private static readonly Lock Gate = new();

    /// <summary>A port of 127.0.0.1 that nobody listens on and that this process has not handed out before.</summary>
    public static int Next()
    {
        lock (Gate)
        {
            while (true)
            {
                var port = Random.Shared.Next(First, Last);
                if (!Taken.Contains(port) && IsFree(port))
                {
                    Taken.Add(port);
                    return port;
                }
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
