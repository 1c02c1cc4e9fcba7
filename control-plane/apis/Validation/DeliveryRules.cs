namespace Brokkr.Apis.Validation;

/// <summary>What delivery options must be (ADM-19 to ADM-25).</summary>
internal static class DeliveryRules
{
    public static void Check(DeliverySpec delivery, string path, EventingFeatures features, ProblemList problems)
    {
        if (delivery.DeadLetterSink is { } sink)
        {
            DestinationRules.Check(sink, FieldPath.Member(path, "deadLetterSink"), features, problems);
        }

        if (delivery.Retry < 0)
        {
            problems.Invalid(FieldPath.Member(path, "retry"), delivery.Retry, "must not be negative");
        }

        if (delivery.BackoffPolicy is not (null or "linear" or "exponential"))
        {
            problems.Invalid(
                FieldPath.Member(path, "backoffPolicy"),
                delivery.BackoffPolicy,
                $"must be \"linear\" or \"exponential\", is {ProblemList.Quote(delivery.BackoffPolicy)}"
            );
        }

        if (CheckDuration(delivery.BackoffDelay, "backoffDelay") is { IsNegative: true })
        {
            problems.Warn(FieldPath.Member(path, "backoffDelay"), "is negative; the sign does not count");
        }

        if (delivery.Timeout is not null && !features.DeliveryTimeout)
        {
            problems.Disallowed(FieldPath.Member(path, "timeout"), "is not allowed while the feature delivery-timeout is off");
        }
        else if (CheckDuration(delivery.Timeout, "timeout") is { } timeout && timeout.Length == TimeSpan.Zero)
        {
            problems.Invalid(FieldPath.Member(path, "timeout"), delivery.Timeout, "must not be zero");
        }

        if (delivery.RetryAfterMax is not null && !features.DeliveryRetryAfter)
        {
            problems.Disallowed(FieldPath.Member(path, "retryAfterMax"), "is not allowed while the feature delivery-retryafter is off");
        }
        else if (CheckDuration(delivery.RetryAfterMax, "retryAfterMax") is { IsNegative: true })
        {
            problems.Invalid(FieldPath.Member(path, "retryAfterMax"), delivery.RetryAfterMax, "must not be negative");
        }

        if (delivery.Format is not (null or "json" or "binary"))
        {
            problems.Invalid(
                FieldPath.Member(path, "format"),
                delivery.Format,
                $"must be \"json\" or \"binary\", is {ProblemList.Quote(delivery.Format)}"
            );
        }

        Iso8601Duration? CheckDuration(string? text, string field)
        {
            if (text is null)
            {
                return null;
            }

            if (Iso8601Duration.TryParse(text, out var duration))
            {
                return duration;
            }

            problems.Invalid(
                FieldPath.Member(path, field),
                text,
                $"must be an ISO 8601 duration such as PT0.5S or PT1M30S, is {ProblemList.Quote(text)}"
            );
            return null;
        }
    }
}
