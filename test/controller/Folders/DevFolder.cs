using Brokkr.Controller.Folders;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Embedded;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Controller.Tests.Folders;

/// <summary>A control plane on a real folder and a real embedded log, whose availability a test decides.</summary>
internal sealed class DevFolder : IAsyncDisposable
{
    private readonly TemporaryFolder _data;
    private readonly EmbeddedLog _log;

    private DevFolder(TemporaryFolder folder, TemporaryFolder data, EmbeddedLog log, FolderOptions options)
    {
        Folder = folder;
        _data = data;
        _log = log;
        Logs = new SwitchedLogs(new EmbeddedLogProvider(log));
        Store = new FolderStore(options, TimeProvider.System, NullLoggerFactory.Instance);
        ControlPlane = new FolderControlPlane(Store, options, Logs, TimeProvider.System, NullLoggerFactory.Instance);
    }

    public TemporaryFolder Folder { get; }

    public FolderStore Store { get; }

    public FolderControlPlane ControlPlane { get; }

    public SwitchedLogs Logs { get; }

    public ILog Log => _log;

    public Contract Contract => ControlPlane.Contracts.Current!;

    /// <summary>Where each resource is served.</summary>
    public IEnumerable<string> Paths => Contract.Resources.Select(resource => resource.Ingress.Path);

    public IEnumerable<string> Problems => ControlPlane.Report.Problems.Select(problem => problem.ToString());

    public static async Task<DevFolder> StartAsync(Action<TemporaryFolder> prepare, Func<FolderOptions, FolderOptions>? adjust = null)
    {
        var dev = await PrepareAsync(prepare, adjust);
        await dev.ControlPlane.StartAsync(TestContext.Current.CancellationToken);
        return dev;
    }

    public static async Task<DevFolder> PrepareAsync(Action<TemporaryFolder> prepare, Func<FolderOptions, FolderOptions>? adjust = null)
    {
        var folder = new TemporaryFolder();
        prepare(folder);
        var options = new FolderOptions
        {
            Path = folder.Path,
            BaseAddress = new Uri("http://localhost:8080"),
            DefaultBootstrapServers = "embedded",
            EmbeddedLog = true,
            DefaultPartitions = 3,
            QuietTime = TimeSpan.FromMilliseconds(20),
            RescanInterval = TimeSpan.FromMilliseconds(200),
            RetryDelay = TimeSpan.FromMilliseconds(20),
            MaxRetryDelay = TimeSpan.FromMilliseconds(100),
            GroupDeletionDelay = TimeSpan.FromMilliseconds(100),
        };
        var data = new TemporaryFolder();
        var log = await EmbeddedLog.OpenAsync(
            new EmbeddedLogOptions { Folder = data.Path },
            TimeProvider.System,
            NullLoggerFactory.Instance
        );
        return new DevFolder(folder, data, log, adjust?.Invoke(options) ?? options);
    }

    public ObjectStatus StatusOf(string kind, string name) =>
        ControlPlane.Report.Statuses.Single(status => status.Key.Kind == kind && status.Key.ObjectName.ToString() == name);

    public async Task ServesAsync(params string[] paths) =>
        await Eventually.True(
            () => Paths.Order(StringComparer.Ordinal).SequenceEqual(paths.Order(StringComparer.Ordinal)),
            () => $"served: {string.Join(' ', paths)}; are: {string.Join(' ', Paths)}; problems: {string.Join('\n', Problems)}"
        );

    public async Task TellsAsync(string problem) =>
        await Eventually.True(
            () => Problems.Any(text => text.Contains(problem, StringComparison.Ordinal)),
            () => $"the problem \"{problem}\"; there are: {string.Join('\n', Problems)}"
        );

    public async Task TellsNothingAsync() =>
        await Eventually.True(() => !Problems.Any(), () => $"no problems; there are: {string.Join('\n', Problems)}");

    public async ValueTask DisposeAsync()
    {
        await ControlPlane.DisposeAsync();
        await Store.DisposeAsync();
        await _log.DisposeAsync();
        Folder.Dispose();
        _data.Dispose();
    }

    /// <summary>Logs that are away when a test says so.</summary>
    internal sealed class SwitchedLogs(ILogProvider inner) : ILogProvider
    {
        public bool IsAway { get; set; }

        public ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation) =>
            IsAway ? throw new LogUnavailableException("nobody answers") : inner.AcquireAsync(resource, cancellation);
    }
}
