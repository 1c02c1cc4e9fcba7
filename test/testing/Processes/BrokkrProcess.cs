namespace Brokkr.Testing.Processes;

/// <summary>
/// The real, built program.
/// <code>
/// await using var dev = BrokkrProcess.Start(["dev", folder.Path, "--port", "0"]);
/// var port = (await dev.LineAsync(@"listening on .*:(\d+)")).Groups[1].Value;
/// await dev.KillAsync();                       // kill -9
/// Assert.Equal(0, await dev.TerminateAsync()); // or SIGTERM, and its exit code
/// </code>
/// </summary>
public static class BrokkrProcess
{
    /// <summary>Starts <c>brokkr</c>. See <see cref="ChildProcess"/> for what can be done with it.</summary>
    /// <param name="arguments">The verb and its arguments.</param>
    /// <param name="environment">Variables set beside those of the test process.</param>
    /// <param name="folder">The folder it runs in.</param>
    public static ChildProcess Start(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? folder = null
    )
    {
        Assert.True(
            File.Exists(Repository.Program),
            $"{Repository.Program} is not built; reference cli/Brokkr.Cli.csproj from the test project."
        );
        return ChildProcess.Start(Repository.Program, arguments, environment, folder);
    }

    /// <summary>Runs <c>brokkr</c> to its end; fails the test unless it exits with 0.</summary>
    /// <returns>What it printed.</returns>
    public static Task<string> RunAsync(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeSpan? deadline = null
    ) => ChildProcess.RunAsync(Repository.Program, arguments, environment, deadline: deadline);
}
