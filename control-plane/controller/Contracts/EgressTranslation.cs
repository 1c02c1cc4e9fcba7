using Brokkr.Apis;
using Brokkr.Core.Contract.Wire;
using Google.Protobuf.Collections;

namespace Brokkr.Controller.Contracts;

/// <summary>Says in the contract's words what delivery options and filters say (control-plane §2.5, §4.6).</summary>
internal static class EgressTranslation
{
    /// <summary>
    /// Delay before a retry where <c>retry</c> is given and <c>backoffDelay</c> is not: what the original uses for Triggers, and Knative's own
    /// default. (The original takes 1000 ms for Brokers; one default serves both, control-plane §18 item 16.)
    /// </summary>
    public const ulong DefaultBackoffDelay = 200;

    /// <summary>The delivery options. Delay and policy are written with <c>retry</c> only, since they mean nothing without.</summary>
    /// <param name="delivery">Valid options.</param>
    /// <param name="deadLetterSink">Where its dead letter sink is; ignored where it has none.</param>
    public static EgressConfig Config(DeliverySpec delivery, in Resolution deadLetterSink)
    {
        var config = new EgressConfig();
        if (delivery.DeadLetterSink is not null && deadLetterSink.Url is not null)
        {
            config.DeadLetter = deadLetterSink.Url;
            config.DeadLetterCACerts = deadLetterSink.CACerts;
            config.DeadLetterAudience = deadLetterSink.Audience;
        }

        if (delivery.Retry is { } retry)
        {
            config.Retry = (uint)Math.Max(retry, 0);
            config.BackoffPolicy = delivery.BackoffPolicy is "linear" ? BackoffPolicy.Linear : BackoffPolicy.Exponential;
            config.BackoffDelay = Milliseconds(delivery.BackoffDelay) ?? DefaultBackoffDelay;
        }

        config.Timeout = Milliseconds(delivery.Timeout) ?? 0;
        config.Format = delivery.Format ?? "";
        if (Milliseconds(delivery.RetryAfterMax) is { } retryAfterMax)
        {
            config.RetryAfterMax = retryAfterMax;
        }

        return config;
    }

    /// <summary>The filters, in order.</summary>
    public static void AddFilters(IReadOnlyList<SubscriptionsFilter>? filters, RepeatedField<DialectedFilter> target)
    {
        foreach (var filter in filters ?? [])
        {
            target.Add(Filter(filter));
        }
    }

    /// <summary>
    /// One filter: its dialect; several (which validation refuses) all of which must pass; none, which lets everything pass.
    /// </summary>
    public static DialectedFilter Filter(SubscriptionsFilter filter)
    {
        List<DialectedFilter> dialects = [];
        if (filter.All is { Count: > 0 })
        {
            var all = new All();
            AddFilters(filter.All, all.Filters);
            dialects.Add(new DialectedFilter { All = all });
        }

        if (filter.Any is { Count: > 0 })
        {
            var any = new Any();
            AddFilters(filter.Any, any.Filters);
            dialects.Add(new DialectedFilter { Any = any });
        }

        if (filter.Not is not null)
        {
            dialects.Add(new DialectedFilter { Not = new Not { Filter = Filter(filter.Not) } });
        }

        if (filter.Exact is { Count: > 0 })
        {
            dialects.Add(new DialectedFilter { Exact = Fill(new Exact(), exact => exact.Attributes, filter.Exact) });
        }

        if (filter.Prefix is { Count: > 0 })
        {
            dialects.Add(new DialectedFilter { Prefix = Fill(new Prefix(), prefix => prefix.Attributes, filter.Prefix) });
        }

        if (filter.Suffix is { Count: > 0 })
        {
            dialects.Add(new DialectedFilter { Suffix = Fill(new Suffix(), suffix => suffix.Attributes, filter.Suffix) });
        }

        if (!string.IsNullOrEmpty(filter.Cesql))
        {
            dialects.Add(new DialectedFilter { Cesql = new CESQL { Expression = filter.Cesql } });
        }

        return dialects.Count switch
        {
            0 => new DialectedFilter(),
            1 => dialects[0],
            _ => new DialectedFilter { All = new All { Filters = { dialects } } },
        };
    }

    /// <summary>Copies attributes in the order of their names, so that equal filters are equal messages.</summary>
    public static T Fill<T>(T message, Func<T, MapField<string, string>> target, IReadOnlyDictionary<string, string>? attributes)
    {
        foreach (
            var (name, value) in (attributes ?? new Dictionary<string, string>(StringComparer.Ordinal)).OrderBy(
                attribute => attribute.Key,
                StringComparer.Ordinal
            )
        )
        {
            target(message)[name] = value;
        }

        return message;
    }

    private static ulong? Milliseconds(string? duration) => Iso8601Duration.TryParse(duration, out var parsed) ? parsed.Milliseconds : null;
}
