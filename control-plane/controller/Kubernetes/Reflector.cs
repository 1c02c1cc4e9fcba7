using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Brokkr.Apis;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>Which objects of a collection are reflected.</summary>
/// <param name="Resource">The collection.</param>
/// <param name="Namespace">The namespace; empty for all.</param>
/// <param name="Labels">Label selector; empty for all.</param>
/// <param name="Fields">Field selector; empty for all.</param>
/// <param name="MetadataOnly">Whether only the metadata is wanted.</param>
internal sealed record Selection(
    ApiResource Resource,
    string Namespace = "",
    string Labels = "",
    string Fields = "",
    bool MetadataOnly = false
)
{
    /// <summary>For people.</summary>
    public override string ToString() =>
        Resource.Plural
        + (Namespace.Length > 0 ? $" of namespace {Namespace}" : "")
        + (Labels.Length > 0 ? $" with {Labels}" : "")
        + (Fields.Length > 0 ? $" with {Fields}" : "");
}

/// <summary>Where reflected objects go.</summary>
internal interface IReflection<T>
    where T : ApiObject
{
    /// <summary>These are all there are.</summary>
    void Replace(IReadOnlyList<Decoded<T>> items);

    /// <summary>This one is there, new or changed.</summary>
    void Set(Decoded<T> item);

    /// <summary>This one is gone.</summary>
    void Remove(ObjectName name);

    /// <summary>It goes well (null), or the objects could not be listed or watched.</summary>
    void Tell(ApiFailure? failure);
}

/// <summary>
/// Keeps a reflection of the objects of a selection: lists them, then watches from the list's version on. A watch that ends is opened again where it
/// ended; only when the server no longer knows from there (410) everything is listed again.
/// </summary>
internal sealed class Reflector<T>(
    ClusterConnection connection,
    Selection selection,
    Decoder<T> decoder,
    IReflection<T> reflection,
    ILogger logger
)
    where T : ApiObject
{
    private readonly Backoff _backoff = new(connection.Options.MinRetryDelay, connection.Options.MaxRetryDelay, connection.Time);

    // From where a watch goes on; null when everything has to be listed.
    private string? _version;
    private string _told = "";

    /// <summary>Runs until it is cancelled, or until the server has no such kind (any more).</summary>
    /// <param name="untilUnknown">Whether to end, and not to go on asking, where there is no such kind.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(bool untilUnknown, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (_version is null)
                {
                    _version = await ListAsync(cancellation);
                    Succeeded();
                }

                await WatchAsync(_version, cancellation);
            }
            catch (ApiFailure failure) when (failure.IsExpired)
            {
                logger.WatchExpired(selection);
                _version = null;
                await _backoff.PauseAsync(null, cancellation);
            }
            catch (ApiFailure failure)
            {
                if (failure.IsNotFound && _version is not null)
                {
                    // With their kind all objects are gone.
                    _version = null;
                    reflection.Replace([]);
                }

                Tell(failure);
                if (failure.IsNotFound && untilUnknown)
                {
                    return;
                }

                await _backoff.PauseAsync(failure.RetryAfter, cancellation);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                // Nothing else comes from the server: without a defect this does not happen, and with one the rest should go on.
                logger.WatchBroken(exception, selection);
                _version = null;
                await _backoff.PauseAsync(null, cancellation);
            }
        }
    }

    private void Succeeded()
    {
        if (_told.Length > 0)
        {
            logger.WatchRecovered(selection);
            _told = "";
        }

        reflection.Tell(null);
    }

    /// <summary>Each failure is logged once while it lasts, however often it is tried.</summary>
    private void Tell(ApiFailure failure)
    {
        if (!string.Equals(_told, failure.Message, StringComparison.Ordinal))
        {
            _told = failure.Message;
            logger.WatchFailed(selection, failure.Message);
        }

        reflection.Tell(failure);
    }

    private async Task<string> ListAsync(CancellationToken cancellation)
    {
        var items = new List<Decoded<T>>();
        var next = "";
        var limit = connection.Options.PageSize;
        while (true)
        {
            ListMeta meta;
            var known = items.Count;
            try
            {
                meta = await connection.CallAsync(
                    Call("list", $"limit={limit}{(next.Length > 0 ? "&continue=" + Uri.EscapeDataString(next) : "")}"),
                    (stream, token) =>
                    {
                        // An attempt that is repeated begins anew.
                        items.RemoveRange(known, items.Count - known);
                        return ListReader<T>.ReadAsync(stream, decoder, items, token);
                    },
                    cancellation
                );
            }
            catch (ApiFailure failure) when (failure.IsExpired && next.Length > 0)
            {
                // The next page is too old: all in one page cannot be.
                items.Clear();
                next = "";
                limit = 0;
                continue;
            }

            next = meta.Continue ?? "";
            if (next.Length == 0)
            {
                reflection.Replace(items);
                return meta.ResourceVersion ?? "";
            }
        }
    }

    private async Task WatchAsync(string from, CancellationToken cancellation)
    {
        var least = connection.Options.WatchDuration;
#pragma warning disable CA5394 // Chance spreads load here; it protects nothing.
        var seconds = Math.Max(1, (int)(least.TotalSeconds * (1 + Random.Shared.NextDouble())));
#pragma warning restore CA5394
        var call = Call("watch", $"watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={Uri.EscapeDataString(from)}");
        // The server ends it; where the end does not arrive, the connection is dead.
        using var overdue = new CancellationTokenSource(TimeSpan.FromSeconds(seconds) + connection.Options.RequestTimeout, connection.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, overdue.Token);
        var opened = connection.Time.GetTimestamp();
        try
        {
            using var response = await connection.OpenAsync(call, either.Token);
            Succeeded();
            await using var stream = await response.Content.ReadAsStreamAsync(either.Token);
            await foreach (var told in WatchReader.ReadAsync(stream, decoder, either.Token))
            {
                Take(call, told);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw ApiFailure.TimedOut(call, connection.Time.GetElapsedTime(opened));
        }
        catch (Exception exception) when (ClusterConnection.IsLost(exception))
        {
            throw ApiFailure.Unreachable(call, exception);
        }
        catch (JsonException)
        {
            throw ApiFailure.Garbled(call, "is no JSON of the expected form");
        }

        if (connection.Time.GetElapsedTime(opened) < TimeSpan.FromSeconds(1))
        {
            // A server that is going down ends watches as soon as they are open.
            await _backoff.PauseAsync(null, cancellation);
        }
        else
        {
            _backoff.Reset();
        }
    }

    private void Take(ApiCall call, WatchEvent<T> told)
    {
        switch (told.Type)
        {
            case WatchEventType.Set:
                reflection.Set(told.Item);
                break;
            case WatchEventType.Gone:
                reflection.Remove(told.Item.Name);
                break;
            case WatchEventType.Error:
                ThrowFor(call, told.Status);
                break;
            case WatchEventType.Bookmark:
            case WatchEventType.Other:
                break;
        }

        if (told.Item.Metadata?.ResourceVersion is { Length: > 0 } version)
        {
            _version = version;
        }
    }

    [DoesNotReturn]
    private static void ThrowFor(ApiCall call, ApiStatus? status)
    {
        var code = (HttpStatusCode)(status?.Code ?? 500);
        throw ApiFailure.Of(call, code, status);
    }

    private ApiCall Call(string verb, string query)
    {
        var selectors =
            (selection.Labels.Length > 0 ? "&labelSelector=" + Uri.EscapeDataString(selection.Labels) : "")
            + (selection.Fields.Length > 0 ? "&fieldSelector=" + Uri.EscapeDataString(selection.Fields) : "");
        return new ApiCall(HttpMethod.Get, $"{selection.Resource.Path(selection.Namespace)}?{query}{selectors}")
        {
            Resource = selection.Resource,
            Namespace = selection.Namespace,
            Verb = verb,
            Accept = !selection.MetadataOnly
                ? ApiCall.Json
                : $"application/json;as=PartialObjectMetadata{(verb is "list" ? "List" : "")};g=meta.k8s.io;v=v1",
        };
    }
}
