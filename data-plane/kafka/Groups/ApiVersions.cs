using Brokkr.Core.Log;

namespace Brokkr.Kafka.Groups;

/// <summary>
/// The versions that both sides know. Only versions with fixed fields are used: Apache Kafka 2.1 to 4.x accept them, and they need half of the code.
/// </summary>
internal sealed class ApiVersions
{
    private readonly Dictionary<Api, short> _versions;

    private ApiVersions(Dictionary<Api, short> versions) => _versions = versions;

    /// <summary>Before the broker has said anything: the oldest version of the request that asks.</summary>
    public static ApiVersions Initial { get; } = new(new Dictionary<Api, short> { [Api.ApiVersions] = 0 });

    /// <summary>The highest version that both know.</summary>
    /// <exception cref="LogUnavailableException">There is none.</exception>
    public short Of(Api api) =>
        _versions.TryGetValue(api, out var version)
            ? version
            : throw new LogUnavailableException(
                $"the Kafka broker knows no version of the request {api} that is known here (2.1 or newer is needed)"
            );

    /// <summary>Whether there is a version that both know.</summary>
    public bool Has(Api api) => _versions.ContainsKey(api);

    private static (short Min, short Max)? Ours(Api api) =>
        api switch
        {
            // The first that can be asked not to create a topic.
            Api.Metadata => (4, 4),
            Api.OffsetCommit => (2, 7),
            // The second is the first in which all topics can be asked for.
            Api.OffsetFetch => (2, 5),
            Api.FindCoordinator => (0, 2),
            Api.SaslHandshake => (1, 1),
            Api.SaslAuthenticate => (0, 1),
            Api.DeleteGroups => (0, 1),
            _ => null,
        };

    /// <summary>Asks which versions the broker knows.</summary>
    public sealed class Ask() : Request<ApiVersions>(Api.ApiVersions)
    {
        public override void Write(FrameWriter writer, short version) { }

        public override ApiVersions Read(ref FrameReader reader, short version)
        {
            var error = reader.Int16();
            if (error != 0)
            {
                throw new ProtocolException($"error {error} as answer to which versions are known");
            }

            var versions = new Dictionary<Api, short>();
            for (var left = reader.Count(3 * sizeof(short)); left > 0; left--)
            {
                var api = (Api)reader.Int16();
                var min = reader.Int16();
                var max = reader.Int16();
                if (Ours(api) is { } ours && min <= max && Math.Max(min, ours.Min) <= Math.Min(max, ours.Max))
                {
                    versions[api] = Math.Min(max, ours.Max);
                }
            }

            return new ApiVersions(versions);
        }
    }
}
