using System.Diagnostics;
using System.Text.Json;

namespace Brokkr.Benchmarks.Measuring;

/// <summary>A process of its own for what is measured, so that load and measured work do not share a runtime.</summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;
    private readonly List<string> _said = [];

    private Child(Process process) => _process = process;

    public int Id => _process.Id;

    /// <summary>Starts this program again in a child's part and waits until it is ready.</summary>
    /// <returns>The child; what it printed before it was ready is in <see cref="Value"/>.</returns>
    public static async Task<Child> StartAsync(string part, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        // As the roles ask for it, and for the limits alike.
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        start.ArgumentList.Add("--child");
        start.ArgumentList.Add(part);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var child = new Child(Process.Start(start)!);
        while (true)
        {
            var line = await child._process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"{part} ended");
            if (line == "ready")
            {
                return child;
            }

            child._said.Add(line);
        }
    }

    /// <summary>A value that the child printed as <c>name=value</c>.</summary>
    public string Value(string name) => _said.First(line => line.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];

    public async Task<Snapshot> SnapshotAsync()
    {
        await _process.StandardInput.WriteLineAsync();
        await _process.StandardInput.FlushAsync();
        while (true)
        {
            var line = await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the child ended");
            if (line.StartsWith('{'))
            {
                return JsonSerializer.Deserialize(line, SnapshotJson.Default.Snapshot)!;
            }
        }
    }

    /// <summary>Runs for a while and reports what was used between.</summary>
    public async Task<Row> MeasureAsync(string work, TimeSpan warmUp, TimeSpan time)
    {
        await Task.Delay(warmUp, TimeProvider.System, CancellationToken.None);
        var clock = Stopwatch.StartNew();
        var before = await SnapshotAsync();
        await Task.Delay(time, TimeProvider.System, CancellationToken.None);
        var after = await SnapshotAsync();
        return Row.Between(work, before, after, after.Events - before.Events, clock.Elapsed);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)))
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
