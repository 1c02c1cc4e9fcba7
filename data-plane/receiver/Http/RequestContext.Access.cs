using System.Runtime.CompilerServices;
using Brokkr.Core.Events;
using Brokkr.Receiver.Authentication;

namespace Brokkr.Receiver.Http;

/// <content>Who sends, and whether that is allowed (receiver-and-core §11). Requests for a resource without an audience never come here.</content>
internal sealed partial class RequestContext
{
    // Without a token, nothing is said about an error in it (RFC 6750 §3.1).
    private const string MissingToken = "Bearer";
    private const string InvalidToken = "Bearer error=\"invalid_token\"";
    private const string Scheme = "Bearer ";

    /// <summary>Finds out who the sender is, and refuses whom no policy of the resource is for. Nothing of the body is read before.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Refusal?> AdmitAsync(Access access)
    {
        _challenge = MissingToken;
        var authorization = _request.Headers.Authorization;
        if (authorization.Count == 0 || string.IsNullOrEmpty(authorization[0]))
        {
            return Unauthenticated(
                $"The resource takes events from senders with a token only. Send one for the audience '{access.Audience}' in the header Authorization: Bearer."
            );
        }

        var value = authorization[0]!;
        if (authorization.Count > 1 || !value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Unauthenticated("Authorization must be given once, as Bearer and a token; other schemes are not supported.");
        }

        var token = value.AsMemory(Scheme.Length).Trim(' ');
        if (token.IsEmpty)
        {
            return Unauthenticated("There is no token after Bearer in the header Authorization.");
        }

        if (application.Tokens is null)
        {
            return new Refusal(
                Problem.IssuerUnavailable,
                "The resource takes events from senders with a token only, but this receiver has no issuer whose tokens count."
            );
        }

        var verdict = await application.Tokens.VerifyAsync(token);
        if (verdict.IsOpen)
        {
            return new Refusal(
                Problem.IssuerUnavailable,
                "The keys of the token issuer could not be fetched so far; the receiver's own log says why. Send the event again later."
            );
        }

        _challenge = InvalidToken;
        var fault = verdict.Fault ?? verdict.Token!.FaultFor(access.Audience, application.Time.GetUtcNow());
        if (fault is not null)
        {
            return Unauthenticated(fault);
        }

        _sender = verdict.Token;
        if (access.Admits(_sender!))
        {
            return null;
        }

        return new Refusal(
            Problem.Forbidden,
            access.IsClosed
                ? "Nobody may send to the resource: no EventPolicy lets anybody, and the default authorization mode denies all."
                : $"No EventPolicy of the resource lets {Shown(_sender!.Subject)} send. Name it in the 'from' of one."
        );
    }

    /// <summary>Refuses an event that no policy for the sender lets pass.</summary>
    private Refusal? Permit(Access access, EventBuffer read) =>
        access.Permits(_sender!, read)
            ? null
            : new Refusal(
                Problem.Forbidden,
                $"EventPolicies of the resource let {Shown(_sender!.Subject)} send, but not this event: the filters of none of them match it."
            );

    private static Refusal Unauthenticated(string detail) => new(Problem.Unauthenticated, detail);
}
