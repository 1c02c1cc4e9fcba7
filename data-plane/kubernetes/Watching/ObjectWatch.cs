using System.Globalization;
using System.Text.Json;
using Brokkr.Kubernetes.Api;

namespace Brokkr.Kubernetes.Watching;

/// <summary>
/// Follows the objects of a kind in a namespace that a selector picks: lists them, then watches for changes with bookmarks, over and over. A connection that is lost is
/// made again from the last version seen; a version that has become too old (410), and any other refusal, leads to a new list.
/// Needs the verbs <c>list</c> and <c>watch</c>.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="kind">What to follow.</param>
/// <param name="namespaceName">Where.</param>
/// <param name="selector"><c>labelSelector=...</c> or <c>fieldSelector=...</c>, escaped.</param>
/// <param name="listener">Is told.</param>
/// <param name="time">Drives the pauses.</param>
internal sealed class ObjectWatch<T>(
    ApiConnection connection,
    WatchedKind<T> kind,
    string namespaceName,
    string selector,
    IWatchListener<T> listener,
    TimeProvider time
)
    where T : ApiObject
{
    /// <summary>Objects of a page: of the largest that Kubernetes stores, 150 MiB.</summary>
    private const int PageSize = 100;

    /// <summary>No object is stored that is larger than 1.5 MiB; JSON and base64 add to it.</summary>
    private const int LongestLine = 16 * 1024 * 1024;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);

    /// <summary>A right that is missing is not granted soon.</summary>
    private static readonly TimeSpan ForbiddenPause = TimeSpan.FromSeconds(30);

    /// <summary>A watch that ends sooner has hardly been one.</summary>
    private static readonly TimeSpan ShortWatch = TimeSpan.FromSeconds(1);

    private readonly string _path = $"api/v1/namespaces/{Uri.EscapeDataString(namespaceName)}/{kind.Plural}?{selector}";
    private string? _version;

    /// <summary>Follows until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var pause = ShortestPause;
        try
        {
            while (true)
            {
                var begin = time.GetTimestamp();
                var isWatch = _version is not null;
                var problem = await StepAsync(isWatch, cancellation);
                if (problem is not null)
                {
                    listener.Failed(problem);
                }
                else if (!isWatch || time.GetElapsedTime(begin) > ShortWatch)
                {
                    pause = ShortestPause;
                    continue;
                }

                // Many processes wait for the same server: they should not come back at the same moment.
                await Task.Delay(problem?.Status == ApiProblem.Forbidden ? ForbiddenPause : Spread(pause), time, cancellation);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Not wanted any more.
        }
    }

    private static TimeSpan Spread(TimeSpan pause) => pause * (0.75 + (Random.Shared.NextDouble() / 2));

    private async Task<ApiProblem?> StepAsync(bool isWatch, CancellationToken cancellation)
    {
        try
        {
            return isWatch ? await WatchAsync(cancellation) : await ListAsync(cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // Whatever the API server sends, following never ends.
            _version = null;
            return new ApiProblem(0, $"what the API server sent could not be taken: {failure.GetType().Name}: {failure.Message}");
        }
    }

    private async Task<ApiProblem?> ListAsync(CancellationToken cancellation)
    {
        var all = new List<T>();
        var next = "";
        while (true)
        {
            var (page, problem) = await connection.SendAsync(
                HttpMethod.Get,
                $"{_path}&limit={PageSize}{(next.Length > 0 ? "&continue=" + Uri.EscapeDataString(next) : "")}",
                null,
                kind.List,
                cancellation
            );
            if (problem is not null)
            {
                return problem;
            }

            all.AddRange(page!.Items);
            next = page.Metadata.Continue;
            if (next.Length == 0)
            {
                listener.Listed(all, page.Metadata.ResourceVersion);
                _version = page.Metadata.ResourceVersion;
                return null;
            }
        }
    }

    /// <returns>Null when the watch has ended, as all do; else why there was none.</returns>
    private async Task<ApiProblem?> WatchAsync(CancellationToken cancellation)
    {
        // Different for each, so that they do not all come back at the same moment.
        var seconds = Random.Shared.Next(240, 300);
        var (stream, problem) = await connection.OpenAsync(
            $"{_path}&watch=true&allowWatchBookmarks=true&resourceVersion={_version}&timeoutSeconds={seconds.ToString(CultureInfo.InvariantCulture)}",
            cancellation
        );
        if (problem is not null)
        {
            if (problem.Status == 0)
            {
                return problem;
            }

            _version = null;
            return problem.Status == ApiProblem.Gone ? null : problem;
        }

        await using var answer = stream!;
        listener.Following();

        // A server that does not end it has forgotten it.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds + 60), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var lines = new LineReader(answer.Body, LongestLine);
            while (await lines.ReadAsync(either.Token) is { } line)
            {
                var reader = new Utf8JsonReader(line);
                if (JsonSerializer.Deserialize(ref reader, ApiJson.Default.WatchEvent) is { } change && Take(change) is { } refusal)
                {
                    _version = null;
                    return refusal.Status == ApiProblem.Gone ? null : refusal;
                }
            }

            return null;
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            // The next attempt tells whether the server is away.
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (JsonException failure)
        {
            _version = null;
            return new ApiProblem(0, $"the watch of the API server cannot be read: {failure.Message}");
        }
    }

    /// <returns>Why the watch cannot go on; null if it can.</returns>
    private ApiProblem? Take(WatchEvent change)
    {
        switch (change.Type)
        {
            case "ADDED":
            case "MODIFIED":
                var item = Read(change);
                listener.Changed(item);
                _version = item.Metadata.ResourceVersion;
                return null;
            case "DELETED":
                var gone = Read(change);
                listener.Deleted(gone);
                _version = gone.Metadata.ResourceVersion;
                return null;
            case "BOOKMARK":
                var bookmark = change.Object.Deserialize(ApiJson.Default.NamedObject);
                if (bookmark?.Metadata.ResourceVersion is { Length: > 0 } version)
                {
                    listener.Reached(version);
                    _version = version;
                }

                return null;
            case "ERROR":
                var failure = change.Object.Deserialize(ApiJson.Default.ApiFailure);
                return new ApiProblem(failure?.Code ?? 0, $"the API server ended the watch: {failure?.Message}");
            default:
                // Kinds of events that are added to the API later must not end it.
                return null;
        }
    }

    private T Read(WatchEvent change) => change.Object.Deserialize(kind.Item) ?? throw new JsonException("an object is null");
}
