namespace Brokkr.Core.Tokens;

/// <summary>Who shows a token, and to whom (dispatcher §7.9).</summary>
/// <param name="Namespace">Namespace of the service account; empty if the contract does not say it.</param>
/// <param name="ServiceAccount">Its name, <c>oidcServiceAccountName</c> of the egress; empty if the contract does not say it.</param>
/// <param name="Audience">The audience of the subscriber, dead letter sink or reply URL; not empty.</param>
public sealed record TokenIdentity(string Namespace, string ServiceAccount, string Audience)
{
    /// <inheritdoc/>
    public override string ToString() => $"audience '{Audience}' as service account '{Namespace}/{ServiceAccount}'";
}

/// <summary>A token. Never printed.</summary>
/// <param name="Value">The token: printable ASCII without blanks.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Renew">From when on another one is wanted; before it ends.</param>
public sealed record SubscriberToken(string Value, DateTimeOffset Expires, DateTimeOffset Renew)
{
    /// <inheritdoc/>
    public override string ToString() => $"token until {Expires:O}";
}

/// <summary>What came of asking for a token: one of the two.</summary>
/// <param name="Token">The token.</param>
/// <param name="Problem">A sentence without a full stop that says why there is none, and shows no secret.</param>
public readonly record struct TokenResult(SubscriberToken? Token, string? Problem)
{
    /// <summary>There is none.</summary>
    /// <param name="problem">Why.</param>
    public static TokenResult None(string problem) => new(null, problem);
}

/// <summary>
/// Makes the tokens that subscribers with an audience want to see. Asked when one is needed that is not cached, and from <see cref="SubscriberToken.Renew"/>
/// on, never twice at once for one identity. May be asked for several identities at once.
/// </summary>
public interface ITokenSource
{
    /// <summary>Makes a token.</summary>
    /// <param name="identity">For whom and for what, as the contract says it: that can be anything.</param>
    /// <param name="cancellation">The dispatcher stops.</param>
    /// <returns>The token, or why there is none now. A source that is away is no exception.</returns>
    Task<TokenResult> IssueAsync(TokenIdentity identity, CancellationToken cancellation);
}
