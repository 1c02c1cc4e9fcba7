using Brokkr.Testing.Processes;

namespace Brokkr.Embedded.Tests;

/// <summary>A process that opens the log in a folder, says <c>open</c> (or what went wrong), and has it open until its input ends.</summary>
internal static class HoldingProcess
{
    public const string Verb = "hold-the-folder";

    public static ChildProcess Start(string folder) => TestProgram.Start(Verb, folder);

    public static async Task<int> RunAsync(string folder)
    {
        try
        {
            await using var log = await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = folder });
            await Console.Out.WriteLineAsync("open");
            await Console.In.ReadToEndAsync();
            return 0;
        }
        catch (Core.Log.LogConfigurationException e)
        {
            await Console.Out.WriteLineAsync(e.Message);
            return 1;
        }
    }
}

/// <summary>Starts this test program as another process.</summary>
internal static class TestProgram
{
    public static ChildProcess Start(params string[] arguments) =>
        ChildProcess.Start("dotnet", ["exec", typeof(TestProgram).Assembly.Location, .. arguments]);
}
