using System.Security.Cryptography;
using System.Text;
using Brokkr.Apis;

namespace Brokkr.Controller.Folders;

/// <summary>
/// Unique ids of objects in a folder. They follow from kind, namespace and name, so that an object is the same one after a restart and consumer
/// groups, metrics and contracts go on.
/// </summary>
internal static class ObjectIds
{
    /// <summary>A UUID of version 8 (RFC 9562 §5.8) from a hash of the key.</summary>
    public static string Of(ObjectKey key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"brokkr\n{key.Group}\n{key.Kind}\n{key.Namespace}\n{key.Name}"), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true).ToString();
    }
}
