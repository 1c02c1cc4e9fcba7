namespace Brokkr.Controller.Kubernetes;

/// <summary>Order of the versions of objects of one kind: decimal numbers of any length (Kubernetes promises it since 1.35, and it was so before).</summary>
internal static class ResourceVersion
{
    /// <summary>Whether a version is older than another. What is no number is never older.</summary>
    public static bool IsOlder(string version, string than) =>
        IsNumber(version)
        && IsNumber(than)
        && (version.Length != than.Length ? version.Length < than.Length : string.CompareOrdinal(version, than) < 0);

    private static bool IsNumber(string text) => text.Length > 0 && text[0] != '0' && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}
