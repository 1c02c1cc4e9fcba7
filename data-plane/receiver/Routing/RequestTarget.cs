namespace Brokkr.Receiver.Routing;

/// <summary>Takes the path out of a request target (RFC 9112 §3.2) without decoding or normalising anything.</summary>
internal static class RequestTarget
{
    private const string Token = "access_token=";

    /// <summary>The target as others may see it: a token in the query, where the rules for webhooks allow one, is left out (CEW-08).</summary>
    public static string WithoutToken(string target)
    {
        var at = target.IndexOf('?', StringComparison.Ordinal);
        while (at >= 0 && (at = target.IndexOf(Token, at, StringComparison.OrdinalIgnoreCase)) >= 0)
        {
            at += Token.Length;
            if (target[at - Token.Length - 1] is '?' or '&')
            {
                var end = target.IndexOf('&', at);
                target = string.Concat(target.AsSpan(0, at), "REDACTED", end < 0 ? default : target.AsSpan(end));
            }
        }

        return target;
    }

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
