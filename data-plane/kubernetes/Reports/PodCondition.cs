using System.Net.Http.Headers;
using System.Text.Json;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Contract;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kubernetes.Reports;

/// <summary>
/// Says in a condition of this process's own Pod which contract it works by: type <c>kafka.eventing.knative.dev/ContractApplied</c>, status <c>True</c>, and as its
/// message the highest resourceVersion of ConfigMaps up to which everything is in force. Versions of one kind of objects compare as decimal numbers. The reason
/// is <c>Applied</c>, or <c>PartlyApplied</c> while the content of some ConfigMap cannot be used. Written at most four times a second; what cannot be written is
/// tried again and harms nobody. The process's service account needs the verb <c>patch</c> on <c>pods/status</c> in its namespace.
/// </summary>
public sealed class PodCondition : IAsyncDisposable
{
    /// <summary>The type of the condition.</summary>
    public const string Type = "kafka.eventing.knative.dev/ContractApplied";

    private static readonly TimeSpan BetweenWrites = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);

    private readonly ApiConnection _connection;
    private readonly Func<CancellationToken, Task>? _inForce;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _pod;
    private readonly string _path;
    private readonly DateTimeOffset _since;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private AppliedContract _newest;

    /// <summary>Creates it; nothing is written before the first report.</summary>
    /// <param name="connection">The API server.</param>
    /// <param name="namespaceName">Namespace of the Pod.</param>
    /// <param name="pod">Name of the Pod.</param>
    /// <param name="time">Drives the pauses.</param>
    /// <param name="logger">Is told when it cannot be written.</param>
    /// <param name="inForce">Completes when what was applied until then is in force; null: applied is in force.</param>
    public PodCondition(
        ApiConnection connection,
        string namespaceName,
        string pod,
        TimeProvider time,
        ILogger logger,
        Func<CancellationToken, Task>? inForce = null
    )
    {
        _connection = connection;
        _time = time;
        _logger = logger;
        _inForce = inForce;
        _pod = $"{namespaceName}/{pod}";
        _path = $"api/v1/namespaces/{Uri.EscapeDataString(namespaceName)}/pods/{Uri.EscapeDataString(pod)}/status";
        _since = time.GetUtcNow();
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Everything up to a version is applied. Returns at once.</summary>
    public void Report(AppliedContract applied)
    {
        lock (_lock)
        {
            _newest = applied;
            if (_news.CurrentCount == 0)
            {
                _news.Release();
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        _stop.Dispose();
        _news.Dispose();
    }

    private async Task WriteAsync()
    {
        string? told = null;
        var pause = BetweenWrites;
        try
        {
            while (true)
            {
                await _news.WaitAsync(_stop.Token);
                AppliedContract applied;
                lock (_lock)
                {
                    applied = _newest;
                }

                if (_inForce is not null)
                {
                    await _inForce(_stop.Token);
                }

                if (await PatchAsync(applied) is not { } problem)
                {
                    pause = BetweenWrites;
                    if (told is not null)
                    {
                        told = null;
                        _logger.ConditionWrittenAgain(_pod);
                    }
                }
                else
                {
                    if (!string.Equals(told, problem.Text, StringComparison.Ordinal))
                    {
                        told = problem.Text;
                        _logger.ConditionNotWritten(
                            _pod,
                            problem.Status == ApiProblem.Forbidden ? problem.Text + "; grant patch on pods/status" : problem.Text
                        );
                    }

                    pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                    Again();
                }

                await Task.Delay(pause, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private void Again()
    {
        lock (_lock)
        {
            if (_news.CurrentCount == 0)
            {
                _news.Release();
            }
        }
    }

    private async Task<ApiProblem?> PatchAsync(AppliedContract applied)
    {
        var patch = new PodPatch(
            new PodPatchStatus([
                new PodPatchCondition(
                    Type,
                    "True",
                    applied.Broken.Count == 0 ? "Applied" : "PartlyApplied",
                    applied.ResourceVersion,
                    _since
                ),
            ])
        );
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(patch, ReportJson.Default.PodPatch));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/strategic-merge-patch+json");
        return (await _connection.SendAsync(HttpMethod.Patch, _path, content, ApiJson.Default.NamedObject, _stop.Token)).Problem;
    }
}
