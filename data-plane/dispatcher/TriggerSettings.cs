using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Http;
using Brokkr.Dispatcher.Tokens;

namespace Brokkr.Dispatcher;

/// <summary>What happens to events in answers of the subscriber.</summary>
internal enum ReplyStrategy
{
    /// <summary>They go to the topic.</summary>
    Topic,

    /// <summary>They go to a URL.</summary>
    Url,

    /// <summary>They are dropped.</summary>
    Discard,
}

/// <summary>What a URL is to a Trigger.</summary>
internal enum TargetKind
{
    /// <summary>Its subscriber.</summary>
    Subscriber,

    /// <summary>Its dead letter sink.</summary>
    DeadLetterSink,

    /// <summary>Where replies go.</summary>
    Reply,
}

/// <summary>Where events are sent.</summary>
/// <param name="Url">The URL.</param>
/// <param name="Text">The URL as it stands in the contract, but without user and password: it goes into dead letters.</param>
/// <param name="Client">Sends the requests.</param>
/// <param name="Kind">What it is to the Trigger.</param>
/// <param name="Identity">For which token requests are made; null: they carry none.</param>
internal sealed record Target(Uri Url, string Text, HttpMessageInvoker Client, TargetKind Kind, TokenIdentity? Identity);

/// <summary>A part of an egress that cannot be used; the message says which and why.</summary>
internal sealed class EgressException : Exception
{
    public EgressException(string message)
        : base(message) { }

    public EgressException(string message, Exception inner)
        : base(message, inner) { }

    public EgressException() { }
}

/// <summary>
/// Everything about a Trigger that may change while it runs: an immutable snapshot, replaced as a whole when the contract changes. It holds from the next
/// record, and from the next attempt of those that are on their way.
/// </summary>
internal sealed record TriggerSettings
{
    public required Target Subscriber { get; init; }

    public required Target? DeadLetterSink { get; init; }

    public required Target? ReplyTarget { get; init; }

    public required ReplyStrategy Reply { get; init; }

    public required string ReplyTopic { get; init; }

    /// <summary>Null: everything passes.</summary>
    public required EventFilter? Filter { get; init; }

    public required Overrides Overrides { get; init; }

    /// <summary>Makes events of records that are none; null: such records are not delivered.</summary>
    public required EventSynthesizer? Synthesizer { get; init; }

    /// <summary>Whose the types of replies are, if they are to be made known (dispatcher §8.4).</summary>
    public required Reference? EventTypeOwner { get; init; }

    public required RetryPolicy Retry { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required bool IsOrdered { get; init; }

    public required bool IsStructured { get; init; }

    /// <summary>Namespace of the Trigger.</summary>
    public required string Namespace { get; init; }

    /// <summary>Records per second that an ordered Trigger may take; 0 for no limit (dispatcher §5.5).</summary>
    public required int RecordsPerSecond { get; init; }

    /// <summary>Whether waiting and running events of an ordered Trigger are measured per partition.</summary>
    public required bool MeasuresQueue { get; init; }

    public required MetricTags Tags { get; init; }

    /// <summary>Reads an egress.</summary>
    /// <exception cref="EgressException">The egress cannot be served as it is.</exception>
    public static TriggerSettings From(
        EgressSpec spec,
        DispatcherOptions options,
        SubscriberConnections connections,
        DispatcherMetrics metrics
    )
    {
        var (egress, resource) = (spec.Egress, spec.Resource);
        // The whole message of the egress hides that of the resource, an empty one too.
        var config = egress.EgressConfig ?? resource.EgressConfig;
        var reply = egress.ReplyStrategyCase switch
        {
            Egress.ReplyStrategyOneofCase.ReplyUrl => ReplyStrategy.Url,
            Egress.ReplyStrategyOneofCase.DiscardReply => ReplyStrategy.Discard,
            _ => ReplyStrategy.Topic,
        };
        var filter = Compile(egress, options.CorrelationKeys);
        return new TriggerSettings
        {
            Subscriber = TargetOf(
                egress.Destination,
                "destination",
                egress.DestinationCACerts,
                egress.DestinationAudience,
                TargetKind.Subscriber,
                spec,
                connections
            ),
            DeadLetterSink = string.IsNullOrEmpty(config?.DeadLetter)
                ? null
                : TargetOf(
                    config.DeadLetter,
                    "dead letter sink",
                    config.DeadLetterCACerts,
                    config.DeadLetterAudience,
                    TargetKind.DeadLetterSink,
                    spec,
                    connections
                ),
            ReplyTarget =
                reply == ReplyStrategy.Url
                    ? TargetOf(
                        egress.ReplyUrl,
                        "reply URL",
                        egress.ReplyUrlCACerts,
                        egress.ReplyUrlAudience,
                        TargetKind.Reply,
                        spec,
                        connections
                    )
                    : null,
            Reply = reply,
            ReplyTopic = resource.Topics.Count > 0 ? resource.Topics[0] : "",
            Filter = ReferenceEquals(filter, FilterCompiler.Everything) ? null : filter,
            Overrides = spec.Overrides,
            Synthesizer = SynthesizerOf(spec, options),
            EventTypeOwner = resource.FeatureFlags is { EnableEventTypeAutocreate: true } ? egress.Reference : null,
            Retry = RetryPolicy.From(config),
            Timeout = config is { Timeout: > 0 } ? RetryPolicy.Milliseconds(config.Timeout) : options.DefaultTimeout,
            IsOrdered = egress.DeliveryOrder == DeliveryOrder.Ordered,
            IsStructured = string.Equals(config?.Format, "json", StringComparison.OrdinalIgnoreCase),
            Namespace = egress.Reference?.Namespace ?? "",
            RecordsPerSecond =
                egress.FeatureFlags is { EnableRateLimiter: true } && egress.DeliveryOrder == DeliveryOrder.Ordered
                    ? options.MaxPollRecords * Math.Max(1, egress.VReplicas)
                    : 0,
            MeasuresQueue = egress.FeatureFlags is { EnableOrderedExecutorMetrics: true } && egress.DeliveryOrder == DeliveryOrder.Ordered,
            Tags = metrics.TagsOf(egress.Reference),
        };
    }

    private static EventSynthesizer? SynthesizerOf(EgressSpec spec, DispatcherOptions options)
    {
        var owner = spec.Resource.Reference;
        return
            string.IsNullOrWhiteSpace(options.SynthesizedKind)
            || string.IsNullOrWhiteSpace(owner?.Namespace)
            || string.IsNullOrWhiteSpace(owner.Name)
            ? null
            : new EventSynthesizer(owner.Namespace, options.SynthesizedKind, owner.Name, spec.Egress.KeyType);
    }

    private static EventFilter Compile(Egress egress, ICorrelationKeys? keys)
    {
        try
        {
            return FilterCompiler.Compile(egress, keys);
        }
        catch (FilterException failure)
        {
            throw new EgressException($"The filter cannot be used: {failure.Message}", failure);
        }
    }

    /// <summary>The service account is in the namespace of the resource (dispatcher §7.9).</summary>
    private static TokenIdentity IdentityOf(EgressSpec spec, string audience) =>
        new(spec.Resource.Reference?.Namespace ?? "", spec.Egress.OidcServiceAccountName, audience);

    private static Target TargetOf(
        string url,
        string what,
        string certificates,
        string audience,
        TargetKind kind,
        EgressSpec spec,
        SubscriberConnections connections
    )
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new EgressException($"The {what} '{url}' is no absolute http or https URL.");
        }

        try
        {
            var text = uri.UserInfo.Length == 0 ? url : uri.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped);
            return new Target(
                uri,
                text,
                // In clear text there is nothing to check, and other certificates are no reason for other connections.
                connections.Trusting(uri.Scheme is "https" ? [.. spec.TrustBundles, certificates] : []),
                kind,
                audience.Length == 0 ? null : IdentityOf(spec, audience)
            );
        }
        catch (ArgumentException failure)
        {
            throw new EgressException($"The certificates for the {what} cannot be used: {failure.Message}", failure);
        }
    }
}
