namespace Brokkr.Kafka.Tokens;

/// <summary>What a client shows to the brokers instead of a password. Never printed.</summary>
/// <param name="Value">The token.</param>
/// <param name="Expires">When it ends.</param>
internal sealed record BearerToken(string Value, DateTimeOffset Expires)
{
    public override string ToString() => $"token until {Expires:O}";
}

/// <summary>Makes tokens for one client.</summary>
internal interface ITokenIssuer : IDisposable
{
    /// <summary>Who the tokens are for; goes to logs.</summary>
    string Principal { get; }

    /// <summary>What is told to the brokers beside the token (RFC 7628); mostly nothing.</summary>
    IReadOnlyDictionary<string, string> Extensions { get; }

    /// <summary>Makes one.</summary>
    /// <exception cref="Core.Log.LogUnavailableException">There is none now; the message says why and shows no secret.</exception>
    Task<BearerToken> IssueAsync(CancellationToken cancellation);
}

/// <summary>A client that logs in with tokens.</summary>
internal interface ITokenHolder
{
    /// <summary>From now on logins use this token. Does not wait.</summary>
    void Take(BearerToken token, string principal, IReadOnlyDictionary<string, string> extensions);
}
