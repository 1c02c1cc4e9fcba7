using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// One lease, as one of those who compete for it sees it. Not for concurrent use. Whether another one's lease has run out is judged by how long it has not changed
/// before our eyes, never by comparing clocks of different machines.
/// </summary>
internal sealed class HeldLease(ClusterConnection connection, string name, LeaderElectionOptions options)
{
    private readonly TimeProvider _time = connection.Time;

    // As it was last seen.
    private JsonObject? _lease;
    private string _seen = "";
    private long _seenAt;

    public string Name => name;

    /// <summary>Whether it was ours when last looked at.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>When the last renewal that succeeded was begun; meaningful while it is held.</summary>
    public long RenewedAt { get; private set; }

    /// <summary>Who holds it; empty for nobody, or where it is not known.</summary>
    public string Holder => Text(_lease?["spec"]?["holderIdentity"]);

    /// <summary>Gets it, or renews it.</summary>
    /// <returns>Whether it is ours now.</returns>
    /// <exception cref="ApiFailure">It could not be found out; if it was ours, it still is until the deadline.</exception>
    public async Task<bool> TryAsync(CancellationToken cancellation)
    {
        var begun = _time.GetTimestamp();
        if (IsHeld && _lease is not null)
        {
            if (await WriteAsync(HttpMethod.Put, "update", Mine(_lease, isNew: false), begun, cancellation))
            {
                return true;
            }

            // Somebody changed it: look at it again.
        }

        if (!await ReadAsync(cancellation))
        {
            return await WriteAsync(HttpMethod.Post, "create", Mine(Fresh(), isNew: true), begun, cancellation);
        }

        if (string.Equals(Holder, options.Identity, StringComparison.Ordinal))
        {
            return await WriteAsync(HttpMethod.Put, "update", Mine(_lease!, isNew: false), begun, cancellation);
        }

        IsHeld = false;
        return !IsAlive() && await WriteAsync(HttpMethod.Put, "update", Mine(_lease!, isNew: true), begun, cancellation);
    }

    /// <summary>Gives it up, so that others need not wait until it runs out. Does nothing where it is not ours.</summary>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        if (!IsHeld || _lease is null)
        {
            return;
        }

        IsHeld = false;
        var free = _lease.DeepClone().AsObject();
        var spec = free["spec"]!.AsObject();
        spec["holderIdentity"] = "";
        spec["leaseDurationSeconds"] = 1;
        spec["renewTime"] = Now();
        // Where somebody else has it by now, the version does not match.
        await SendAsync(HttpMethod.Put, "update", free, cancellation);
    }

    private bool IsAlive()
    {
        if (Holder.Length == 0)
        {
            return false;
        }

        // How long the holder says, not how long we would: the two may be set differently.
        var seconds = _lease!["spec"]?["leaseDurationSeconds"] is JsonValue value && value.TryGetValue(out int said) && said > 0 ? said : 0;
        var duration = seconds > 0 ? TimeSpan.FromSeconds(seconds) : options.LeaseDuration;
        return _time.GetElapsedTime(_seenAt) < duration;
    }

    private async Task<bool> ReadAsync(CancellationToken cancellation)
    {
        var call = ApiCall.About(HttpMethod.Get, "get", ApiResource.Leases, connection.Options.SystemNamespace, name);
        try
        {
            _lease = await connection.CallAsync(Limited(call), ClusterStore.ReadObjectAsync, cancellation);
        }
        catch (ApiFailure failure) when (failure.IsNotFound)
        {
            _lease = null;
            IsHeld = false;
            return false;
        }

        var seen = Text(_lease["metadata"]?["resourceVersion"]);
        if (!string.Equals(seen, _seen, StringComparison.Ordinal))
        {
            _seen = seen;
            _seenAt = _time.GetTimestamp();
        }

        return true;
    }

    /// <returns>False where somebody else was faster.</returns>
    private async Task<bool> WriteAsync(HttpMethod method, string verb, JsonObject lease, long begun, CancellationToken cancellation)
    {
        try
        {
            _lease = await SendAsync(method, verb, lease, cancellation);
            IsHeld = true;
            RenewedAt = begun;
            return true;
        }
        catch (ApiFailure failure) when (failure.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
        {
            IsHeld = false;
            return false;
        }
    }

    private Task<JsonObject> SendAsync(HttpMethod method, string verb, JsonObject lease, CancellationToken cancellation)
    {
        var ns = connection.Options.SystemNamespace;
        var call =
            method == HttpMethod.Post
                ? ApiCall.About(method, verb, ApiResource.Leases, ns, "") with
                {
                    Name = name,
                }
                : ApiCall.About(method, verb, ApiResource.Leases, ns, name);
        return connection.CallAsync(Limited(call) with { Body = ClusterStore.Bytes(lease) }, ClusterStore.ReadObjectAsync, cancellation);
    }

    /// <summary>A request without an answer must not use up the time in which it could be tried again.</summary>
    private ApiCall Limited(ApiCall call) => call with { IsUrgent = true, Timeout = options.RenewDeadline / 2 };

    private JsonObject Fresh() =>
        new()
        {
            ["apiVersion"] = ApiResource.Leases.ApiVersion,
            ["kind"] = "Lease",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = connection.Options.SystemNamespace },
        };

    /// <summary>The lease with us as its holder. What others wrote into it stays.</summary>
    private JsonObject Mine(JsonObject lease, bool isNew)
    {
        var mine = lease.DeepClone().AsObject();
        if (mine["spec"] is not JsonObject spec)
        {
            mine["spec"] = spec = [];
        }

        if (isNew)
        {
            var transitions = spec["leaseTransitions"] is JsonValue value && value.TryGetValue(out int before) ? before + 1 : 0;
            spec["leaseTransitions"] = transitions;
            spec["acquireTime"] = Now();
        }

        spec["holderIdentity"] = options.Identity;
        spec["leaseDurationSeconds"] = (int)Math.Ceiling(options.LeaseDuration.TotalSeconds);
        spec["renewTime"] = Now();
        return mine;
    }

    private string Now() => _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : "";
}
