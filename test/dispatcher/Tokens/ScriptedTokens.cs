using System.Collections.Concurrent;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher.Tokens;

namespace Brokkr.Dispatcher.Tests.Tokens;

/// <summary>A source of tokens that does what the test says, and remembers what it was asked.</summary>
internal sealed class ScriptedTokens : ITokenSource
{
    private int _serial;

    /// <summary>Whom it was asked for, in turn.</summary>
    public ConcurrentQueue<TokenIdentity> Asked { get; } = new();

    /// <summary>Why there are none; null: there are.</summary>
    public string? Problem { get; set; }

    /// <summary>Thrown instead of an answer.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Answers wait for it.</summary>
    public Task Until { get; set; } = Task.CompletedTask;

    /// <summary>How long tokens last.</summary>
    public TimeSpan Life { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Its clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public async Task<TokenResult> IssueAsync(TokenIdentity identity, CancellationToken cancellation)
    {
        Asked.Enqueue(identity);
        var now = Time.GetUtcNow();
        await Until.WaitAsync(cancellation);
        return Failure is not null ? throw Failure
            : Problem is not null ? TokenResult.None(Problem)
            : new TokenResult(
                new SubscriberToken(
                    $"{identity.ServiceAccount}-for-{identity.Audience}-{Interlocked.Increment(ref _serial)}",
                    now + Life,
                    now + (Life * 0.8)
                ),
                null
            );
    }
}
