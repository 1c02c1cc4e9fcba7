namespace Brokkr.Apis.Validation;

/// <summary>What a destination must be (ADM-25, CPD-03, CPD-04).</summary>
internal static class DestinationRules
{
    public static void Check(Destination destination, string path, EventingFeatures features, ProblemList problems)
    {
        var hasUri = !string.IsNullOrEmpty(destination.Uri);
        if (destination.Ref is null && !hasUri)
        {
            problems.Error(path, "must have ref or uri");
            return;
        }

        if (destination.Ref is { } reference)
        {
            CheckReference(reference, FieldPath.Member(path, "ref"), features, problems);
        }

        if (!hasUri)
        {
            return;
        }

        var uriPath = FieldPath.Member(path, "uri");
        var uri = destination.Uri!;
        if (destination.Ref is not null)
        {
            if (TryAbsolute(uri, out _))
            {
                problems.Error(uriPath, "must be relative, since ref is given too");
            }
            else if (!Uri.TryCreate(uri, UriKind.Relative, out _))
            {
                problems.Error(uriPath, $"must be a URI, is {ProblemList.Quote(uri)}");
            }
        }
        else if (!TryAbsolute(uri, out var absolute))
        {
            problems.Error(uriPath, $"must be absolute, with scheme and host, since no ref is given; is {ProblemList.Quote(uri)}");
        }
        else if (absolute.Scheme is not ("http" or "https"))
        {
            problems.Error(uriPath, $"must begin with http:// or https://, is {ProblemList.Quote(uri)}");
        }
    }

    public static void CheckReference(KReference reference, string path, EventingFeatures features, ProblemList problems)
    {
        Require(reference.Kind, "kind");
        Require(reference.Name, "name");
        if (!string.IsNullOrEmpty(reference.Group) && !features.KReferenceGroup)
        {
            problems.Error(FieldPath.Member(path, "group"), "is not allowed while the feature kreference-group is off: give apiVersion");
        }
        else if (string.IsNullOrEmpty(reference.Group))
        {
            Require(reference.ApiVersion, "apiVersion");
        }

        void Require(string? value, string name)
        {
            if (string.IsNullOrEmpty(value))
            {
                problems.Error(FieldPath.Member(path, name), "is missing");
            }
        }
    }

    /// <summary>Whether the text is a URI with scheme and host. (<see cref="Uri"/> alone takes <c>/a</c> for a file.)</summary>
    private static bool TryAbsolute(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? uri) =>
        Uri.TryCreate(text, UriKind.Absolute, out uri)
        && uri.Host.Length > 0
        && text.StartsWith(uri.Scheme + "://", StringComparison.OrdinalIgnoreCase);
}
