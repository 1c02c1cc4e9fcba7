namespace Brokkr.Apis.Validation;

/// <summary>What a destination must be (ADM-25, CPD-03, CPD-04).</summary>
internal static class DestinationRules
{
    public static void Check(Destination destination, string path, EventingFeatures features, ProblemList problems)
    {
        var hasUri = !string.IsNullOrEmpty(destination.Uri);
        if (destination.Ref is null && !hasUri)
        {
            problems.Fault(
                path,
                "must have ref or uri",
                new AdmissionFault("expected at least one, got none", [FieldPath.Member(path, "ref"), FieldPath.Member(path, "uri")])
            );
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
                problems.Invalid(uriPath, uri, "must be relative, since ref is given too");
            }
            else if (!Uri.TryCreate(uri, UriKind.Relative, out _))
            {
                problems.Invalid(uriPath, uri, $"must be a URI, is {ProblemList.Quote(uri)}");
            }
        }
        else if (!TryAbsolute(uri, out var absolute))
        {
            problems.Invalid(uriPath, uri, $"must be absolute, with scheme and host, since no ref is given; is {ProblemList.Quote(uri)}");
        }
        else if (absolute.Scheme is not ("http" or "https"))
        {
            problems.Invalid(uriPath, uri, $"must begin with http:// or https://, is {ProblemList.Quote(uri)}");
        }
    }

    public static void CheckReference(KReference reference, string path, EventingFeatures features, ProblemList problems)
    {
        Require(reference.Kind, "kind");
        Require(reference.Name, "name");
        if (!string.IsNullOrEmpty(reference.Group) && !features.KReferenceGroup)
        {
            problems.Disallowed(
                FieldPath.Member(path, "group"),
                "is not allowed while the feature kreference-group is off: give apiVersion"
            );
        }
        else if (string.IsNullOrEmpty(reference.Group))
        {
            Require(reference.ApiVersion, "apiVersion");
        }

        void Require(string? value, string name)
        {
            if (string.IsNullOrEmpty(value))
            {
                problems.Missing(FieldPath.Member(path, name));
            }
        }
    }

    /// <summary>Whether the text is a URI with scheme and host. (<see cref="Uri"/> alone takes <c>/a</c> for a file.)</summary>
    private static bool TryAbsolute(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? uri) =>
        Uri.TryCreate(text, UriKind.Absolute, out uri)
        && uri.Host.Length > 0
        && text.StartsWith(uri.Scheme + "://", StringComparison.OrdinalIgnoreCase);
}
