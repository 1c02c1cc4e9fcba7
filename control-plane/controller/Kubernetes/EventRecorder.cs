using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// Writes Kubernetes Events (core v1), as Kubernetes' own clients do: what happens again is counted in the Event that is there, and who tells too much
/// of one object is not listened to for a while.
/// </summary>
internal sealed class EventRecorder(ClusterConnection connection, ILogger logger)
{
    private const int MaxWaiting = 1000;
    private const int MaxRemembered = 4096;

    // Twenty-five at once of each object and component, then one in five minutes.
    private const int Burst = 25;
    private const double PerSecond = 1.0 / 300;

    private readonly Channel<ObjectEvent> _waiting = Channel.CreateBounded<ObjectEvent>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }
    );
    private readonly Dictionary<ObjectEvent, Written> _written = [];
    private readonly Dictionary<(string Uid, string Component), TokenBucket> _buckets = [];

    /// <summary>Takes something to tell.</summary>
    public void Record(ObjectEvent happened) => _waiting.Writer.TryWrite(happened);

    /// <summary>Writes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await foreach (var happened in _waiting.Reader.ReadAllAsync(cancellation))
            {
                await WriteAsync(happened, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task WriteAsync(ObjectEvent happened, CancellationToken cancellation)
    {
        var now = connection.Time.GetUtcNow();
        if (!BucketOf(happened).TryTake())
        {
            return;
        }

        if (!_written.TryGetValue(happened, out var written))
        {
            Forget(_written);
            written = new Written("", 0, now);
        }

        written = written with { Count = written.Count + 1 };
        try
        {
            if (written.Name.Length == 0 || !await CountAsync(happened, written, now, cancellation))
            {
                written = await CreateAsync(happened, written, now, cancellation);
            }
        }
        catch (ApiFailure failure)
        {
            // Its namespace may be going; what matters is in the status and the log as well.
            logger.EventNotWritten(happened.Object, happened.Reason, failure.Message);
            return;
        }

        _written[happened] = written;
    }

    /// <summary>Counts it in the Event that is there.</summary>
    /// <returns>Whether that Event is still there: the server keeps them for an hour.</returns>
    private async Task<bool> CountAsync(ObjectEvent happened, Written written, DateTimeOffset now, CancellationToken cancellation)
    {
        var patch = new JsonObject { ["count"] = written.Count, ["lastTimestamp"] = Text(now) };
        var call = ApiCall.About(HttpMethod.Patch, "patch", ApiResource.Events, NamespaceOf(happened.Object), written.Name) with
        {
            Body = ClusterStore.Bytes(patch),
            ContentType = ApiCall.MergePatch,
        };
        try
        {
            await SendAsync(call, cancellation);
            return true;
        }
        catch (ApiFailure failure) when (failure.IsNotFound)
        {
            return false;
        }
    }

    private async Task<Written> CreateAsync(ObjectEvent happened, Written written, DateTimeOffset now, CancellationToken cancellation)
    {
        var about = happened.Object;
        var ns = NamespaceOf(about);
        var stem = about.Name.Length <= 230 ? about.Name : about.Name[..230].TrimEnd('.', '-');
        var name = stem + "." + connection.Time.GetUtcNow().UtcTicks.ToString("x", CultureInfo.InvariantCulture);
        var manifest = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
            ["involvedObject"] = new JsonObject
            {
                ["apiVersion"] = happened.ApiVersion,
                ["kind"] = about.Kind,
                ["namespace"] = about.Namespace,
                ["name"] = about.Name,
                ["uid"] = happened.Uid,
            },
            ["type"] = happened.IsWarning ? "Warning" : "Normal",
            ["reason"] = happened.Reason,
            ["message"] = Short(happened.Message),
            ["source"] = new JsonObject { ["component"] = happened.Component },
            ["reportingComponent"] = happened.Component,
            ["reportingInstance"] = "",
            ["firstTimestamp"] = Text(written.First),
            ["lastTimestamp"] = Text(now),
            ["count"] = written.Count,
        };
        await SendAsync(
            ApiCall.About(HttpMethod.Post, "create", ApiResource.Events, ns, "") with
            {
                Name = name,
                Body = ClusterStore.Bytes(manifest),
            },
            cancellation
        );
        return written with { Name = name };
    }

    private async Task SendAsync(ApiCall call, CancellationToken cancellation) =>
        await connection.CallAsync(
            call,
            static async (stream, token) =>
            {
                await stream.CopyToAsync(Stream.Null, token);
                return true;
            },
            cancellation
        );

    private TokenBucket BucketOf(ObjectEvent happened)
    {
        var key = (happened.Uid, happened.Component);
        if (!_buckets.TryGetValue(key, out var bucket))
        {
            Forget(_buckets);
            _buckets[key] = bucket = new TokenBucket(PerSecond, Burst, connection.Time);
        }

        return bucket;
    }

    /// <summary>Makes room: forgetting costs an Event more at worst.</summary>
    private static void Forget<TKey, TValue>(Dictionary<TKey, TValue> remembered)
        where TKey : notnull
    {
        if (remembered.Count >= MaxRemembered)
        {
            remembered.Clear();
        }
    }

    private static string NamespaceOf(ObjectKey key) => key.Namespace.Length > 0 ? key.Namespace : "default";

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The server refuses messages of more than 1024 bytes.</summary>
    private static string Short(string message)
    {
        const int most = 1024;
        if (System.Text.Encoding.UTF8.GetByteCount(message) <= most)
        {
            return message;
        }

        var text = message.Length > most ? message[..most] : message;
        while (System.Text.Encoding.UTF8.GetByteCount(text) > most - 3)
        {
            text = text[..^1];
        }

        return text + "...";
    }

    private sealed record Written(string Name, int Count, DateTimeOffset First);
}
