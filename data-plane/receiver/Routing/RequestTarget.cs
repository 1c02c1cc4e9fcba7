namespace Brokkr.Receiver.Routing;

/// <summary>Takes the path out of a request target (RFC 9112 §3.2) without decoding or normalising anything.</summary>
internal static class RequestTarget
{
    /// <summary>The target up to the query; of an absolute target the part after the authority, <c>/</c> if there is none.</summary>
    public static ReadOnlySpan<char> PathOf(string target)
    {
        ReadOnlySpan<char> rest = target;
        if (!rest.StartsWith('/'))
        {
            var scheme = rest.IndexOf("://", StringComparison.Ordinal);
            if (scheme > 0)
            {
                rest = rest[(scheme + 3)..];
                var end = rest.IndexOfAny('/', '?');
                if (end < 0 || rest[end] == '?')
                {
                    return "/";
                }

                rest = rest[end..];
            }
        }

        var query = rest.IndexOf('?');
        return query < 0 ? rest : rest[..query];
    }
}
