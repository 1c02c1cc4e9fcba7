using System.Globalization;
using Brokkr.Testing;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary><c>brokkr dev</c> on a folder of manifests, with data and port that it keeps over restarts.</summary>
internal sealed class Dev(TemporaryFolder manifests, string? kafka = null) : IAsyncDisposable
{
    private readonly TemporaryFolder _data = new();
    private readonly int _port = FreePort.Next();
    private ChildProcess? _process;

    public ChildProcess Process => _process ?? throw new InvalidOperationException("Not started.");

    /// <summary>Where events for a Broker are posted.</summary>
    public string Url(string broker) => $"http://127.0.0.1:{_port}/{Manifests.Namespace}/{broker}";

    /// <summary>Starts it, also again after it was killed, and waits until these Brokers are served.</summary>
    public async Task StartAsync(params string[] brokers)
    {
        string[] log = kafka is null ? [] : ["--kafka", kafka];
        _process = BrokkrProcess.Start([
            "dev",
            manifests.Path,
            "--port",
            _port.ToString(CultureInfo.InvariantCulture),
            "--data",
            _data.Path,
            .. log,
        ]);
        foreach (var broker in brokers)
        {
            await Ingress.ServedAsync(Url(broker), _process);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _data.Dispose();
    }
}
