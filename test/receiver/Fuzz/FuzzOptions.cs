using System.Globalization;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>How much is sent, and from which seed. CONTRIBUTING.md says how to use the variables.</summary>
/// <param name="Requests">Requests to send, at least.</param>
/// <param name="Seed">The seed of all sessions.</param>
/// <param name="Session">The only session to run; null for as many as it takes.</param>
internal sealed record FuzzOptions(long Requests, ulong Seed, int? Session)
{
    private const string RequestsName = "BROKKR_FUZZ_REQUESTS";
    private const string SeedName = "BROKKR_FUZZ_SEED";
    private const string SessionName = "BROKKR_FUZZ_SESSION";

    public static FuzzOptions FromEnvironment() =>
        new(
            Of(RequestsName) is { } requests ? long.Parse(requests, CultureInfo.InvariantCulture) : 1_000_000,
            Of(SeedName) is { } seed ? ulong.Parse(seed, CultureInfo.InvariantCulture) : 1,
            Of(SessionName) is { } session ? int.Parse(session, CultureInfo.InvariantCulture) : null
        );

    /// <summary>The variables that run one session of this seed again.</summary>
    public string Again(int session) => string.Create(CultureInfo.InvariantCulture, $"{SeedName}={Seed} {SessionName}={session}");

    private static string? Of(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
