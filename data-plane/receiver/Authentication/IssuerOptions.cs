namespace Brokkr.Receiver.Authentication;

/// <summary>
/// Whose tokens count. The defaults are those of a pod: the cluster issues the tokens of service accounts and says at its API server how to
/// check them (receiver-and-core §11.2).
/// </summary>
public sealed record IssuerOptions
{
    /// <summary>Where the cluster says how to check its tokens.</summary>
    public static Uri ClusterAddress { get; } = new("https://kubernetes.default.svc");

    /// <summary>Where a pod has the certificate of the cluster's authority.</summary>
    public const string ClusterCaFile = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

    /// <summary>Where a pod has the token of its own service account.</summary>
    public const string PodTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    /// <summary>
    /// Address under which <c>/.well-known/openid-configuration</c> is found. What that document calls the issuer is what tokens must name; it
    /// need not be this address, and in a cluster it is not. Default: <see cref="ClusterAddress"/>.
    /// </summary>
    public Uri Address { get; init; } = ClusterAddress;

    /// <summary>PEM file with the authorities that the issuer's certificate may come from; null, or a file that does not exist, for those of the system.</summary>
    public string? CaFile { get; init; } = ClusterCaFile;

    /// <summary>File with the token that the issuer wants to see; null, or a file that does not exist, for none. Read for every request, since it rotates.</summary>
    public string? TokenFile { get; init; } = PodTokenFile;

    /// <summary>Whether keys are fetched at the start, before the contract has a resource with an audience. Default false.</summary>
    public bool AtStart { get; init; }

    /// <summary>How often the keys are fetched again. Default five minutes: as long may a key that was withdrawn still count.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long after a fetch a token with an unknown key may cause another. Default five seconds: keys that rotate are found at once, and made up
    /// ones do not hammer the issuer.
    /// </summary>
    public TimeSpan RefreshGap { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause between attempts while the issuer is away; they begin a second apart and double. Default 30 s.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long fetching may take, and so how long a request waits for it at most. Default eight seconds, the original's.</summary>
    public TimeSpan FetchTimeout { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Verified tokens that are remembered, so that their signature is checked once. Default 1024; between that many and twice as many are kept.</summary>
    public int RememberedTokens { get; init; } = 1024;

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        if (!Address.IsAbsoluteUri || Address.Scheme is not ("https" or "http"))
        {
            throw new ArgumentException($"The issuer's address is '{Address}'; it must be an http or https URL.");
        }

        Positive(RefreshInterval, nameof(RefreshInterval));
        Positive(RefreshGap, nameof(RefreshGap));
        Positive(LongestPause, nameof(LongestPause));
        Positive(FetchTimeout, nameof(FetchTimeout));
        if (RememberedTokens < 1)
        {
            throw new ArgumentException($"{nameof(RememberedTokens)} is {RememberedTokens}; it must be at least 1.");
        }
    }

    private static void Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > ReceiverOptions.LongestTime)
        {
            throw new ArgumentException($"{name} is {value}; it must be more than zero, and at most {ReceiverOptions.LongestTime}.");
        }
    }
}
