namespace Brokkr.Cli.Hosting;

/// <summary>
/// Lets what waits for a socket go on on the thread that noticed the socket, instead of waking one of the thread pool for it. The runtime asks for that
/// by an environment variable, which it reads when the process uses its first socket; one that is set already is left as it is.
/// </summary>
internal static class InlineSockets
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Asks for it. Only for roles whose code between a socket and the next wait never blocks; before the first socket.</summary>
    public static void Prefer()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
    }
}
